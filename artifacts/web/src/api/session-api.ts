/** The calls about one session, with its key. */
import type { MessagesPage, Session, TopUp, TurnAnswer } from '@timmy-tower/contract';

import { callApi, requestApi } from './client.ts';

const PAGE = 50;

export interface MessagesQuery {
  readonly order: 'asc' | 'desc';
  readonly after?: string | undefined;
  readonly limit?: number;
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
    return callApi(this.#path, { key: this.key, ...(signal && { signal }) });
  }

  events(signal: AbortSignal): Promise<Response> {
    return requestApi(`${this.#path}/events`, { key: this.key, signal, headers: { accept: 'text/event-stream' } });
  }

  /** A turn as a stream. */
  turn({ content, idempotencyKey }: { content: string; idempotencyKey: string }): Promise<Response> {
    return requestApi(`${this.#path}/request`, {
      key: this.key,
      json: { content },
      headers: { accept: 'text/event-stream', 'idempotency-key': idempotencyKey },
    });
  }

  request(requestId: string): Promise<TurnAnswer> {
    return callApi(`${this.#path}/requests/${requestId}`, { key: this.key });
  }

  async cancel(requestId: string): Promise<void> {
    await callApi(`${this.#path}/requests/${requestId}/cancel`, { key: this.key, method: 'POST' });
  }

  messages({ order, after, limit = PAGE }: MessagesQuery): Promise<MessagesPage> {
    const search = new URLSearchParams({ order, limit: String(limit) });
    if (after) search.set('after', after);
    return callApi(`${this.#path}/messages?${search}`, { key: this.key });
  }

  forgetMessages(): Promise<void> {
    return callApi(`${this.#path}/messages`, { key: this.key, method: 'DELETE' });
  }

  topUp(amountSats: number): Promise<TopUp> {
    return callApi(`${this.#path}/topup`, { key: this.key, json: { amountSats } });
  }
}
