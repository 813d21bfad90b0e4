/** One session as this tab sees it. */
import type { Message, Session } from '@timmy-tower/contract';

import { problemOf } from '../api/client.ts';
import { SessionApi } from '../api/session-api.ts';
import { dropKept, updateKept } from '../keyring.ts';
import type { AskedMemory } from '../memory/memory-levels.ts';
import { ConversationStore } from './conversation-store.ts';
import { Funding } from './funding.ts';
import { MessageList } from './message-list.ts';
import { Receipts } from './receipts.ts';
import { ReplyText } from './reply-text.ts';
import { TurnRunner } from './turn-runner.ts';
import { watchSession } from './watch-session.ts';

export class Conversation {
  readonly id: string;
  readonly key: string;
  readonly state = new ConversationStore();
  /** The reply as it arrives: apart, so that each word redraws nothing else. */
  readonly replyText = new ReplyText();
  readonly receipts: Receipts;
  /** Tells with `taken` what a message said that was taken back. */
  readonly takenBack = new EventTarget();
  readonly #api: SessionApi;
  readonly #messages: MessageList;
  readonly #funding: Funding;
  readonly #turns: TurnRunner;
  #loadingBegun = false;

  constructor(id: string, key: string) {
    this.id = id;
    this.key = key;
    const api = new SessionApi(id, key);
    const { state: store, replyText } = this;
    this.#api = api;
    this.receipts = new Receipts(api);
    this.#messages = new MessageList(api, store);
    this.#funding = new Funding(api, store);
    const { receipts } = this;
    this.#turns = new TurnRunner({ api, store, replyText, receipts, messages: this.#messages, funding: this.#funding });
  }

  /** Loads what is newest, picks up what was running, and follows the session. @returns a function that stops following */
  open(): () => void {
    this.reload();
    return watchSession(this.#api, {
      onSession: (session) => this.#onSession(session),
      onMessages: () => void this.#messages.loadNewer(),
      onGone: () => this.state.change({ phase: 'gone' }),
      onConnection: (connected) => this.state.setConnected(connected),
      awaitsPayment: () => this.#funding.awaitsPayment(),
    });
  }

  /** Tries again to load what could not be loaded. */
  reload(): void {
    if (!this.#loadingBegun) void this.#load();
  }

  send(content: string, memory?: AskedMemory): void {
    this.#turns.send(content, memory);
  }

  retry(): void {
    this.#turns.retry();
  }

  /** Takes an unsent message back, for the field to hold again. */
  takeBack(): void {
    this.takenBack.dispatchEvent(new CustomEvent('taken', { detail: this.#turns.takeBack() }));
  }

  stop(): Promise<void> {
    return this.#turns.stop();
  }

  loadOlder(): Promise<void> {
    return this.#messages.loadOlder();
  }

  /** Every message, oldest first, from the server. */
  readAll(): Promise<readonly Message[]> {
    return this.#messages.readAll();
  }

  /** @throws {ApiError | UnreachableError} when it could not be forgotten, for example while a turn runs */
  forget(): Promise<void> {
    return this.#messages.forget();
  }

  leave(): void {
    dropKept(this.id);
  }

  openTopUp(): void {
    this.#funding.open();
  }

  closeTopUp(): void {
    this.#funding.close();
  }

  /** @throws {ApiError | UnreachableError} */
  createTopUp(amountSats: number): Promise<void> {
    return this.#funding.createInvoice(amountSats);
  }

  async #load(): Promise<void> {
    this.#loadingBegun = true;
    this.state.change({ phase: 'loading' });
    try {
      const [session, page] = await Promise.all([this.#api.session(), this.#api.messages({ order: 'desc' })]);
      this.#messages.begin(page);
      this.state.change({ phase: 'ready' });
      // What follows the session may have been faster, and knows better.
      if (!this.state.get().session) this.#onSession(session);
      this.#turns.resume();
      void this.#messages.nameSession();
    } catch (error) {
      this.#loadingBegun = false;
      this.state.change({ phase: problemOf(error).code === 'not-found' ? 'gone' : 'unreachable' });
    }
  }

  /** Balances come from one ordered source, so that an older one never looks like a deposit. */
  #onSession(session: Session): void {
    const before = this.state.get().session;
    this.state.change({ session, connected: true });
    updateKept(this.id, { balanceMsat: session.balanceMsat });
    if (this.state.get().phase === 'unreachable') this.reload();
    if (!before) return;
    if (this.#funding.notePayment(before, session)) this.#turns.sendUnpaid();
  }
}
