/** The messages of a conversation as far as they are loaded: the newest first of all, older ones when asked for. */
import type { Message } from '@timmy-tower/contract';

import { problemOf } from '../api/client.ts';
import type { SessionApi } from '../api/session-api.ts';
import { findKept, updateKept } from '../keyring.ts';
import type { ConversationStore } from './conversation-store.ts';
import { joinMessages, titleOf } from './state.ts';

const LARGE_PAGE = 200;

export class MessageList {
  readonly #api: SessionApi;
  readonly #store: ConversationStore;

  constructor(api: SessionApi, store: ConversationStore) {
    this.#api = api;
    this.#store = store;
  }

  async loadOlder(): Promise<void> {
    const { older, messages } = this.#store.get();
    if (older !== 'more') return;
    this.#store.change({ older: 'loading' });
    try {
      const page = await this.#api.messages({ order: 'desc', after: messages[0]?.id });
      const known = this.#store.get();
      const joined = joinMessages(page.messages.toReversed(), known.messages);
      const prepended = known.prepended + joined.length - known.messages.length;
      this.#store.change({ messages: joined, prepended, older: page.hasMore ? 'more' : 'none' });
    } catch {
      this.#store.change({ older: 'more' });
    }
  }

  /** What was said from elsewhere: another tab, another program. */
  async loadNewer(): Promise<void> {
    try {
      const after = this.#store.get().messages.at(-1)?.id;
      const page = await this.#api.messages({ order: 'asc', after, limit: LARGE_PAGE });
      this.#store.change({ messages: joinMessages(this.#store.get().messages, page.messages) });
    } catch (error) {
      // The message we stand at was forgotten elsewhere: so was everything before it.
      if (problemOf(error).code === 'invalid-request') this.#store.change({ messages: [], older: 'none' });
    }
  }

  /** Every message, oldest first, from the server. */
  async readAll(): Promise<readonly Message[]> {
    const all: Message[] = [];
    let hasMore = true;
    while (hasMore) {
      // oxlint-disable-next-line no-await-in-loop -- page by page
      const page = await this.#api.messages({ order: 'asc', after: all.at(-1)?.id, limit: LARGE_PAGE });
      all.push(...page.messages);
      hasMore = page.hasMore && page.messages.length > 0;
    }
    return all;
  }

  /** @throws {ApiError | UnreachableError} when they could not be forgotten, for example while a turn runs */
  async forget(): Promise<void> {
    await this.#api.forgetMessages();
    updateKept(this.#api.id, { title: '' });
    this.#store.change({ messages: [], older: 'none' });
    this.#store.announce('The conversation was forgotten. The balance stays.');
  }

  /** Opened with a key, the session has no name here yet: its first message gives it one. */
  async nameSession(): Promise<void> {
    const { id } = this.#api;
    if (this.#store.get().messages.length === 0 || findKept(id)?.title !== '') return;
    const { messages } = await this.#api.messages({ order: 'asc', limit: 1 }).catch(() => ({ messages: [] }));
    if (messages[0]) updateKept(id, { title: titleOf(messages[0].content) });
  }
}
