/** The messages of a conversation as far as they are loaded: the newest first of all, older ones when asked for. */
import type { Message, MessagesPage } from '@timmy-tower/contract';

import { problemOf } from '../api/client.ts';
import type { SessionApi } from '../api/session-api.ts';
import { findKept, updateKept } from '../keyring.ts';
import type { ConversationStore } from './conversation-store.ts';
import { type ConversationState, joinMessages, titleOf } from './state.ts';

const LARGE_PAGE = 200;

export class MessageList {
  readonly #api: SessionApi;
  readonly #store: ConversationStore;
  /** The server's newest message up to which none is missing; what this tab's turns added since comes after it. */
  #newest: string | undefined;
  /** Counts the beginnings: what was asked for before a conversation was forgotten or begun again says nothing of it. */
  #beginnings = 0;
  #isStale = false;
  #loading: Promise<void> | undefined;

  constructor(api: SessionApi, store: ConversationStore) {
    this.#api = api;
    this.#store = store;
    store.subscribe(() => void this.#loadIfStale());
  }

  async loadOlder(): Promise<void> {
    const { older, messages } = this.#store.get();
    if (older !== 'more') return;
    this.#store.change({ older: 'loading' });
    const beginning = this.#beginnings;
    try {
      const page = await this.#api.messages({ order: 'desc', after: messages[0]?.id });
      if (beginning !== this.#beginnings) return;
      const known = this.#store.get();
      const joined = joinMessages(page.messages.toReversed(), known.messages);
      const prepended = known.prepended + joined.length - known.messages.length;
      this.#store.change({ messages: joined, prepended, older: page.hasMore ? 'more' : 'none' });
    } catch {
      if (beginning === this.#beginnings) this.#store.change({ older: 'more' });
    }
  }

  /** The newest page, as the conversation is opened. */
  begin({ messages, hasMore }: MessagesPage): void {
    this.#beginnings += 1;
    this.#newest = messages[0]?.id;
    this.#store.change({ messages: messages.toReversed(), older: hasMore ? 'more' : 'none' });
  }

  /** What was said or forgotten elsewhere: in another tab, by another program. While a turn runs it waits for its end. */
  loadNewer(): Promise<void> {
    this.#isStale = true;
    return this.#loadIfStale();
  }

  /** Every message, oldest first, from the server. */
  readAll(): Promise<readonly Message[]> {
    return this.#readAfter(undefined);
  }

  /** @throws {ApiError | UnreachableError} when they could not be forgotten, for example while a turn runs */
  async forget(): Promise<void> {
    await this.#api.forgetMessages();
    this.#beginnings += 1;
    this.#newest = undefined;
    updateKept(this.#api.id, { title: '' });
    this.#store.change({ messages: [], older: 'none' });
    this.#store.announce('The conversation was forgotten. The balance stays.');
  }

  /** Opened with a key, the session has no name here yet: its first message gives it one. */
  async nameSession(): Promise<void> {
    const { id } = this.#api;
    if (this.#store.get().messages.length === 0 || findKept(id)?.title !== '') return;
    const beginning = this.#beginnings;
    const { messages } = await this.#api.messages({ order: 'asc', limit: 1 }).catch(() => ({ messages: [] }));
    if (messages[0] && beginning === this.#beginnings) updateKept(id, { title: titleOf(messages[0].content) });
  }

  #loadIfStale(): Promise<void> {
    if (this.#isStale && canLoad(this.#store.get())) this.#loading ??= this.#loadWhileStale();
    return this.#loading ?? Promise.resolve();
  }

  async #loadWhileStale(): Promise<void> {
    try {
      while (this.#isStale && canLoad(this.#store.get())) {
        this.#isStale = false;
        // oxlint-disable-next-line no-await-in-loop -- what changed meanwhile is read after it
        await this.#takeNewer();
      }
    } catch {
      // Tried again with the next change of anything: that the connection came back is one.
      this.#isStale = true;
    } finally {
      this.#loading = undefined;
    }
  }

  async #takeNewer(): Promise<void> {
    const before = this.#store.get().messages;
    const newest = this.#newest;
    const found = await this.#findNewer(newest);
    if (this.#newest !== newest || !canLoad(this.#store.get())) {
      this.#isStale = true;
      return;
    }
    const { messages } = this.#store.get();
    const last = before.at(-1);
    const addedMeanwhile = messages.slice(last ? messages.indexOf(last) + 1 : 0);
    if (found.older) this.#replace(found, addedMeanwhile);
    else if (found.messages.length > 0) {
      const known = messages.slice(0, messages.findIndex(({ id }) => id === newest) + 1);
      this.#newest = found.messages.at(-1)?.id;
      this.#store.change({ messages: joinMessages([...known, ...found.messages], addedMeanwhile) });
    }
  }

  #replace({ messages, older }: Newer, addedMeanwhile: readonly Message[]): void {
    this.#beginnings += 1;
    this.#newest = messages.at(-1)?.id;
    const now = joinMessages(messages, addedMeanwhile);
    if (now.length === 0) updateKept(this.#api.id, { title: '' });
    this.#store.change({ messages: now, older: older ?? 'none' });
  }

  async #findNewer(newest: string | undefined): Promise<Newer> {
    try {
      if (newest) return { messages: await this.#readAfter(newest) };
    } catch (error) {
      // The message we stand at was forgotten elsewhere, and so was everything before it. Anything else is told.
      if (problemOf(error).code !== 'invalid-request') throw error;
    }
    const { messages, hasMore } = await this.#api.messages({ order: 'desc' });
    return { messages: messages.toReversed(), older: hasMore ? 'more' : 'none' };
  }

  async #readAfter(after: string | undefined): Promise<readonly Message[]> {
    const all: Message[] = [];
    let hasMore = true;
    while (hasMore) {
      // oxlint-disable-next-line no-await-in-loop -- page by page
      const page = await this.#api.messages({ order: 'asc', after: all.at(-1)?.id ?? after, limit: LARGE_PAGE });
      all.push(...page.messages);
      hasMore = page.hasMore && page.messages.length > 0;
    }
    return all;
  }
}

/** What the server has after the newest known message; with `older`, its newest page, which takes the place of what is known. */
interface Newer {
  readonly messages: readonly Message[];
  readonly older?: 'more' | 'none';
}

/** What a turn that was sent has stored comes with its end, and is not shown beside it. */
const canLoad = ({ phase, turn }: ConversationState) =>
  phase === 'ready' && !(turn && ['sending', 'replying', 'recovering'].includes(turn.status));
