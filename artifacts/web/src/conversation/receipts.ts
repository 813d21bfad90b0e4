/** What each request cost and saw: known for the turns of this visit, looked up for earlier ones when they come into view. */
import type { TurnAnswer } from '@timmy-tower/contract';

import type { SessionApi } from '../api/session-api.ts';
import { Store } from '../store.ts';

export class Receipts {
  readonly #api: SessionApi;
  readonly #stores = new Map<string, Store<TurnAnswer | undefined>>();
  readonly #asked = new Set<string>();

  constructor(api: SessionApi) {
    this.#api = api;
  }

  of(requestId: string): Store<TurnAnswer | undefined> {
    const known = this.#stores.get(requestId);
    if (known) return known;
    const store = new Store<TurnAnswer | undefined>(undefined);
    this.#stores.set(requestId, store);
    return store;
  }

  put(answer: TurnAnswer): void {
    this.of(answer.request.id).set(answer);
  }

  /** Asks once; a failure is asked again the next time it comes into view. */
  async lookUp(requestId: string): Promise<void> {
    if (this.#asked.has(requestId) || this.of(requestId).get()) return;
    this.#asked.add(requestId);
    try {
      this.put(await this.#api.request(requestId));
    } catch {
      this.#asked.delete(requestId);
    }
  }
}
