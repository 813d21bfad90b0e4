/** Many who never paid: they read events, ask for invoices, make keys up, and never end what they began. */
import { Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';

import { madeUpKey } from '../made-up-key.ts';
import { Random } from '../random.ts';
import { countOutcome, type Kind, noOutcomes, type Outcomes } from './outcomes.ts';

const PATIENCE_MS = 10_000;
const CONNECTIONS = 64;
const OPENING_AT_ONCE = 16;
const OPENING_MS = 60_000;
const MOST_HALF_REQUESTS = 500;
const LONG_MESSAGE = Buffer.from(JSON.stringify({ content: '话'.repeat(100_000) }));

export interface Unpaid {
  readonly id: string;
  readonly key: string;
}

export interface LoadOptions {
  readonly url: string;
  readonly unpaid: readonly Unpaid[];
  /** Those of others, who paid. */
  readonly paidSessionIds: readonly string[];
  readonly readers: number;
}

const weights: ReadonlyArray<readonly [Kind, number]> = [
  ['reader', 20],
  ['head', 20],
  ['top-up', 20],
  ['made-up key', 20],
  ['long message', 15],
  ['half a request', 5],
];

export class Load {
  readonly outcomes: Outcomes = noOutcomes();
  mostReaders = 0;
  readonly #options: LoadOptions;
  readonly #random = new Random('strangers');
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #readers = new Set<ClientRequest>();
  readonly #halves = new Set<Socket>();
  #opening = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** As many as there shall be, unless they are refused or it takes too long. */
  async openReaders(): Promise<void> {
    const deadline = performance.now() + OPENING_MS;
    const open = async () => {
      let refused = false;
      while (!refused && this.#readers.size + this.#opening < this.#options.readers && performance.now() < deadline) {
        const { id, key } = this.#random.pick(this.#options.unpaid);
        const status = await this.#read(id, key);
        countOutcome(this.outcomes, 'reader', status);
        refused = status !== 200;
      }
    };
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  }

  /** Makes one call. Resolves once it is over, or, with what stays open, has begun. */
  async call(): Promise<void> {
    const kind = this.#random.weighted(weights);
    const isEnough = this.#readers.size + this.#opening >= this.#options.readers;
    const chosen = kind === 'reader' && isEnough ? 'head' : kind;
    countOutcome(this.outcomes, chosen, await this.#do(chosen));
  }

  stop(): void {
    for (const reader of this.#readers) reader.destroy();
    for (const half of this.#halves) half.destroy();
    this.#agent.destroy();
  }

  #do(kind: Kind): Promise<number> {
    const { unpaid, paidSessionIds } = this.#options;
    const { id, key } = this.#random.pick(unpaid);
    const named = this.#random.chance(0.5) ? this.#random.pick(paidSessionIds) : id;
    switch (kind) {
      case 'reader':
        return this.#read(id, key);
      case 'head':
        return this.#ask('HEAD', `/sessions/${id}/events`, key);
      case 'top-up':
        return this.#ask('POST', `/sessions/${id}/topup`, key, this.#deposit());
      case 'made-up key':
        return this.#ask('GET', `/sessions/${named}`, madeUpKey(named));
      case 'long message':
        return this.#ask('POST', `/sessions/${named}/request`, madeUpKey(named), LONG_MESSAGE);
      case 'half a request':
        return this.#askByHalf(`/sessions/${named}/request`, madeUpKey(named));
    }
  }

  #deposit(): Buffer {
    return Buffer.from(JSON.stringify({ amountSats: this.#random.whole(10, 10_000) }));
  }

  /** The whole body is sent, whatever is answered meanwhile, every other time in chunks. */
  #ask(method: string, path: string, key: string, body?: Buffer): Promise<number> {
    return new Promise((resolve) => {
      const headers = { authorization: `Bearer ${key}`, ...(body ? this.#describe(body) : {}) };
      const options = { agent: this.#agent, method, headers, signal: AbortSignal.timeout(PATIENCE_MS) };
      const outgoing = request(this.#options.url + path, options, (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode ?? 0));
      });
      outgoing.once('error', () => resolve(0));
      outgoing.end(body);
    });
  }

  #describe(body: Buffer): Record<string, string> {
    const json = { 'content-type': 'application/json' };
    return this.#random.chance(0.5)
      ? { ...json, 'transfer-encoding': 'chunked' }
      : { ...json, 'content-length': String(body.length) };
  }

  /** Stays and reads, unless it is refused. */
  async #read(id: string, key: string): Promise<number> {
    this.#opening += 1;
    const opened = Promise.withResolvers<number>();
    const headers = { authorization: `Bearer ${key}` };
    const reader = request(`${this.#options.url}/sessions/${id}/events`, { agent: false, headers }, (response) => {
      response.resume();
      opened.resolve(response.statusCode ?? 0);
      response.once('close', () => this.#readers.delete(reader));
      if (response.statusCode === 200) this.#readers.add(reader);
      this.mostReaders = Math.max(this.mostReaders, this.#readers.size);
    });
    reader.once('error', () => opened.resolve(0));
    reader.setTimeout(PATIENCE_MS * 6, () => reader.destroy());
    reader.end();
    const status = await opened.promise;
    this.#opening -= 1;
    return status;
  }

  /** Says that more comes, and goes silent; there are so many of them at most. @returns 0: closed by whom it may */
  async #askByHalf(path: string, key: string): Promise<number> {
    const { hostname, port } = new URL(this.#options.url);
    const socket = connect({ host: hostname, port: Number(port) });
    this.#halves.add(socket);
    socket.on('error', () => {});
    socket.resume();
    socket.once('close', () => this.#halves.delete(socket));
    const begun = `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
    socket.write(this.#random.chance(0.5) ? begun : `${begun}Content-Length: 300000\r\n\r\n{"content":"`);
    if (this.#halves.size > MOST_HALF_REQUESTS) this.#halves.values().next().value?.destroy();
    return 0;
  }
}
