/** The calls about one session, with its key. */
import type { MessagesPage, Session, TopUp, TurnAnswer } from '@timmy-tower/contract';

import type { AskedMemory } from '../memory/memory-levels.ts';
import { callApi, callWithoutAnswer, streamApi } from './client.ts';

const PAGE = 50;

export interface MessagesQuery {
  readonly order: 'asc' | 'desc';
  readonly after?: string | undefined;
  readonly limit?: number;
}

/** Its key stands for all of it: sent again, it says the same. */
export interface SentMessage {
  readonly idempotencyKey: string;
  readonly content: string;
  readonly memory?: AskedMemory | undefined;
}

/** Every call throws {ApiError | UnreachableError}. */
export class SessionApi {
  readonly id: string;
  readonly key: string;
  readonly #path: string;

  constructor(id: string, key: string) {
    this.id = id;
    this.key = key;
    this.#path = `/sessions/${id}`;
  }

  session(signal?: AbortSignal): Promise<Session> {
    return callApi(this.#path, { holds: 'balanceMsat', key: this.key, ...(signal && { signal }) });
  }

  events(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return streamApi(`${this.#path}/events`, { key: this.key, signal });
  }

  /** Sends a message. @returns the turn as a stream */
  turn(message: SentMessage, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return streamApi(`${this.#path}/request`, {
      key: this.key,
      json: { content: message.content, history: message.memory },
      headers: { 'idempotency-key': message.idempotencyKey },
      signal,
    });
  }

  request(requestId: string): Promise<TurnAnswer> {
    return callApi(`${this.#path}/requests/${requestId}`, { holds: 'request', key: this.key });
  }

  async cancel(requestId: string): Promise<void> {
    await callApi<TurnAnswer>(`${this.#path}/requests/${requestId}/cancel`, {
      holds: 'request',
      key: this.key,
      method: 'POST',
    });
  }

  messages({ order, after, limit = PAGE }: MessagesQuery): Promise<MessagesPage> {
    const search = new URLSearchParams({ order, limit: String(limit) });
    if (after) search.set('after', after);
    return callApi(`${this.#path}/messages?${search}`, { holds: 'messages', key: this.key });
  }

  forgetMessages(): Promise<void> {
    return callWithoutAnswer(`${this.#path}/messages`, { key: this.key, method: 'DELETE' });
  }

  topUp(amountSats: number): Promise<TopUp> {
    return callApi(`${this.#path}/topup`, { holds: 'invoice', key: this.key, json: { amountSats } });
  }
}
