/** The top-up of a session: asked for, its invoice, and what comes of the payment. */
import type { Session } from '@timmy-tower/contract';

import type { SessionApi } from '../api/session-api.ts';
import { timestamp, updateKept } from '../keyring.ts';
import type { ConversationStore } from './conversation-store.ts';

export class Funding {
  readonly #api: SessionApi;
  readonly #store: ConversationStore;

  constructor(api: SessionApi, store: ConversationStore) {
    this.#api = api;
    this.#store = store;
  }

  open(): void {
    if (!this.#store.get().topUp) this.#store.change({ topUp: {} });
  }

  close(): void {
    this.#store.change({ topUp: undefined });
  }

  /** @throws {ApiError | UnreachableError} */
  async createInvoice(amountSats: number): Promise<void> {
    const { invoice } = await this.#api.topUp(amountSats);
    const { session, topUp } = this.#store.get();
    this.#store.change({
      topUp: topUp && { invoice },
      session: session?.status === 'awaiting_payment' ? { ...session, invoice } : session,
    });
  }

  /** An invoice is shown: its payment is what somebody waits for. */
  awaitsPayment(): boolean {
    const { session, topUp } = this.#store.get();
    return session?.status === 'awaiting_payment' || topUp?.invoice !== undefined;
  }

  /** Tells of money that came in between. @returns whether any did, and can be spent */
  notePayment(before: Session, now: Session): boolean {
    const receivedMsat = now.balanceMsat - before.balanceMsat;
    if (now.status !== 'active' || receivedMsat <= 0) return false;
    const sats = Math.floor(receivedMsat / 1000);
    this.close();
    this.#store.announce(
      before.status === 'awaiting_payment' ? `Paid: ${sats} sats. Say something.` : `${sats} sats arrived.`,
    );
    updateKept(this.#api.id, { usedAt: timestamp() });
    return true;
  }
}
