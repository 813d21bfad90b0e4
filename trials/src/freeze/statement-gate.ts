/**
 * Stands between a server and PostgreSQL, and closes upon one connection at a chosen statement: before it is sent, before the
 * end of its message (PostgreSQL has done it, and waits for the end to commit it), or before its answer is told. Source of the
 * messages: PostgreSQL's documentation, "Message Formats".
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export const places = ['before', 'inside', 'after'] as const;
export type Place = (typeof places)[number];

export interface Trap {
  readonly place: Place;
  /** A statement that has one of these in its bytes is meant, its parameters included. */
  readonly needles: readonly Buffer[];
  /** Which of them: the first is 1. */
  readonly nth: number;
  /** Called at the very moment, with the statement's text or name. */
  readonly onClosed: (statement: string) => void;
}

export interface StatementGate extends AsyncDisposable {
  readonly url: string;
  arm(trap: Trap): void;
  /** Lets through what it kept back, and closes no more. */
  open(): void;
}

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);

export async function openStatementGate(databaseUrl: string): Promise<StatementGate> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const connections = new Set<GatedConnection>();
  let armed: ArmedTrap | undefined;
  const server = createServer({ noDelay: true }, (client) => {
    const connection = new GatedConnection(client, connect({ ...target, noDelay: true }), () => armed);
    connections.add(connection);
    client.once('close', () => connections.delete(connection));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The gate has no port');
  url.port = String(address.port);
  return {
    url: url.href,
    arm(trap) {
      armed = new ArmedTrap(trap);
    },
    open() {
      armed = undefined;
      for (const connection of connections) connection.open();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

class ArmedTrap {
  readonly place: Place;
  readonly #trap: Trap;
  #seen = 0;

  constructor(trap: Trap) {
    this.place = trap.place;
    this.#trap = trap;
  }

  /** Whether this is the statement, which is asked once for each. */
  isMeant(sent: Buffer): boolean {
    if (!this.#trap.needles.some((needle) => sent.includes(needle))) return false;
    this.#seen += 1;
    return this.#seen === this.#trap.nth;
  }

  spring(statement: string): void {
    this.#trap.onClosed(statement);
  }
}

type State =
  | { readonly kind: 'open' | 'closed' }
  /** The end of the message, or its answer, is about to come. */
  | { readonly kind: 'closing'; readonly trap: ArmedTrap; readonly statement: string };

class GatedConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #armed: () => ArmedTrap | undefined;
  #state: State = { kind: 'open' };
  #kept: Array<{ readonly to: Socket; readonly bytes: Buffer }> = [];

  constructor(client: Socket, upstream: Socket, armed: () => ArmedTrap | undefined) {
    this.#client = client;
    this.#upstream = upstream;
    this.#armed = armed;
    client.on('data', (sent: Buffer) => this.#onSent(sent));
    upstream.on('data', (answered: Buffer) => this.#onAnswered(answered));
    for (const socket of [client, upstream]) {
      socket.on('error', () => this.destroy());
      socket.once('close', () => this.destroy());
    }
  }

  open(): void {
    this.#state = { kind: 'open' };
    for (const { to, bytes } of this.#kept.splice(0)) to.write(bytes);
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #onSent(sent: Buffer): void {
    if (this.#state.kind === 'open') {
      const trap = this.#armed();
      if (trap?.isMeant(sent) === true) this.#close(trap, sent);
    }
    this.#forward(sent);
  }

  #close(trap: ArmedTrap, sent: Buffer): void {
    const statement = nameOf(sent);
    this.#state = trap.place === 'before' ? { kind: 'closed' } : { kind: 'closing', trap, statement };
    if (trap.place === 'before') trap.spring(statement);
  }

  #forward(sent: Buffer): void {
    const state = this.#state;
    if (state.kind === 'closed') {
      this.#keep(this.#upstream, sent);
    } else if (state.kind === 'closing' && state.trap.place === 'inside' && sent.subarray(-SYNC.length).equals(SYNC)) {
      this.#upstream.write(sent.subarray(0, -SYNC.length));
      this.#state = { kind: 'closed' };
      this.#keep(this.#upstream, SYNC);
      state.trap.spring(state.statement);
    } else this.#upstream.write(sent);
  }

  #onAnswered(answered: Buffer): void {
    const state = this.#state;
    if (state.kind === 'closing' && state.trap.place === 'after') {
      this.#state = { kind: 'closed' };
      state.trap.spring(state.statement);
    }
    if (this.#state.kind === 'closed') this.#keep(this.#client, answered);
    else this.#client.write(answered);
  }

  #keep(to: Socket, bytes: Buffer): void {
    this.#kept.push({ to, bytes: Buffer.from(bytes) });
  }
}

/** Of Parse and Query their text, of Bind the prepared statement's name: no parameter. */
function nameOf(sent: Buffer): string {
  const [first = '', second = ''] = sent.subarray(5, 400).toString('latin1').split('\0');
  const text = sent[0] === 0x51 ? first : second || first;
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 70);
}
