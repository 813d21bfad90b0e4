/** Calls a server over HTTP, as people's programs do. */
import type { MessagesPage, Problem, Session, SessionOpened, StreamEvent, TurnAnswer } from '@timmy-tower/contract';

import { type AskOptions, type CallInit, readEvents, until } from './harness.ts';
import type { ServerProcess } from './server-process.ts';

type Server = Pick<ServerProcess, 'url'>;

export interface HttpAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export async function call<Body>(server: Server, path: string, init: CallInit = {}): Promise<HttpAnswer<Body>> {
  const response = await send(server, path, init);
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const text = await response.text();
  const body: Body = JSON.parse(isJson ? text : JSON.stringify(text));
  return { status: response.status, headers: response.headers, body };
}

function send(server: Server, path: string, { method, key, json, headers }: CallInit): Promise<Response> {
  return fetch(server.url + path, {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
}

export const pay = (server: Server, bolt11: string) =>
  call<{ preimage: string; paymentHash: string }>(server, '/dev/wallet/pay', { json: { bolt11 } });

export async function openSession(server: Server, amountSats = 1000): Promise<ClientSession> {
  const { status, body } = await call<SessionOpened>(server, '/sessions', { json: { amountSats } });
  if (status !== 201) throw new Error(`no session: ${status} ${JSON.stringify(body)}`);
  return new ClientSession(server, body);
}

/** A new session, paid and credited. */
export async function fundSession(server: Server, amountSats?: number): Promise<ClientSession> {
  const session = await openSession(server, amountSats);
  await pay(server, session.opened.invoice.bolt11);
  await until(async () => (await session.show()).status === 'active');
  return session;
}

/** A session with its key in hand, by way of one server. */
export class ClientSession {
  readonly id: string;
  readonly opened: SessionOpened;
  readonly #server: Server;

  constructor(server: Server, opened: SessionOpened) {
    this.#server = server;
    this.opened = opened;
    this.id = opened.session.id;
  }

  /** The same session by way of another server, or of the same one started anew. */
  on(server: Server): ClientSession {
    return new ClientSession(server, this.opened);
  }

  call<Body>(path: string, init: CallInit = {}): Promise<HttpAnswer<Body>> {
    return call(this.#server, `/sessions/${this.id}${path}`, { key: this.opened.key, ...init });
  }

  ask(content: string, options?: AskOptions): Promise<HttpAnswer<TurnAnswer & Problem>> {
    return this.call('/request', turn(content, options));
  }

  async stream(content: string, options?: AskOptions): Promise<AsyncGenerator<StreamEvent>> {
    const init = turn(content, options);
    const headers = { ...init.headers, accept: 'text/event-stream' };
    const response = await send(this.#server, `/sessions/${this.id}/request`, {
      ...init,
      key: this.opened.key,
      headers,
    });
    if (response.status !== 200) throw new Error(`expected a stream, got ${response.status}`);
    return eventsOf(response);
  }

  async show(): Promise<Session> {
    return (await this.call<Session>('')).body;
  }

  async request(requestId: string): Promise<TurnAnswer> {
    return (await this.call<TurnAnswer>(`/requests/${requestId}`)).body;
  }

  cancel(requestId: string): Promise<HttpAnswer<TurnAnswer>> {
    return this.call(`/requests/${requestId}/cancel`, { method: 'POST' });
  }

  /** What was said, oldest first. */
  async said(): Promise<string[]> {
    const { body } = await this.call<MessagesPage>('/messages?limit=200');
    return body.messages.map(({ role, content }) => `${role}: ${content}`);
  }
}

/** Holds on to the response until it is read: the body of one that is garbage-collected before looks empty. */
async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  yield* readEvents(response.body!);
}

function turn(content: string, { idempotencyKey, body }: AskOptions = {}): CallInit {
  return {
    json: { content, ...body },
    headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
  };
}
