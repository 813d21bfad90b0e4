/** A server of version 0.3.0, as far as its database can tell: one connection, and the statements that it sends. */
import { randomBytes, randomUUID } from 'node:crypto';

import pg from 'pg';
import { assert } from 'vitest';

import type { Database } from '../src/index.ts';
import { HOUR_MS, type TestSession } from './fixtures.ts';
import { statements } from './statements-0.3.0.ts';

export type StatementName = keyof typeof statements;
type Row = Record<string, unknown>;

/** These it prepares under their names. */
const hotStatements: Partial<Record<StatementName, string>> = {
  reserveTurn: 'reserve_turn',
  settleTurn: 'settle_turn',
  newestMessages: 'newest_messages',
};

export interface ReserveOptions {
  readonly requestId?: string;
  readonly key?: string;
  readonly bodyHash?: Buffer;
  readonly saidHash?: Buffer;
  readonly maxMessages?: number;
  readonly tokenBudget?: number;
}

export interface OldTurn {
  readonly sessionId: string;
  readonly requestId: string;
  readonly answer: Row;
}

const inAnHour = () => new Date(Date.now() + HOUR_MS);

export class OldServer {
  readonly owner = randomUUID();
  readonly #connection: pg.Client;

  private constructor(connection: pg.Client) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<OldServer> {
    const connection = new pg.Client({ connectionString: url });
    connection.on('error', () => {}); // the statement that it breaks says so
    await connection.connect();
    await connection.query('SET plan_cache_mode = force_generic_plan');
    return new OldServer(connection);
  }

  close(): Promise<void> {
    return this.#connection.end();
  }

  async send<R extends Row = Row>(name: StatementName, ...values: unknown[]): Promise<R[]> {
    const hot = hotStatements[name];
    const statement = { text: statements[name], values, ...(hot ? { name: hot } : {}) };
    return (await this.#connection.query<R>(statement)).rows;
  }

  /** The rows as lists, for statements whose columns share their names. */
  async sendForLists(name: StatementName, ...values: unknown[]): Promise<unknown[][]> {
    return (await this.#connection.query<unknown[]>({ text: statements[name], values, rowMode: 'array' })).rows;
  }

  /** @returns how many rows it changed */
  async change(name: StatementName, ...values: unknown[]): Promise<number | null> {
    return (await this.#connection.query(statements[name], values)).rowCount;
  }

  async inTransaction<T>(body: () => Promise<T>): Promise<T> {
    await this.#connection.query('begin');
    const result = await body();
    await this.#connection.query('commit');
    return result;
  }

  async openSession(): Promise<TestSession> {
    const [sessionId, keyHash, hash] = [randomUUID(), randomBytes(32), randomBytes(32)];
    await this.send('openSession', sessionId, keyHash, hash, 'lnbcrt', 10_000n, inAnHour());
    return { sessionId, keyHash, paymentHash: hash.toString('hex') };
  }

  /** As lists: its columns share their names. */
  findSession({ sessionId, keyHash }: Pick<TestSession, 'sessionId' | 'keyHash'>): Promise<unknown[][]> {
    return this.sendForLists('findSession', sessionId, keyHash, sessionId, 1, sessionId);
  }

  findRequest({ sessionId, requestId }: Omit<OldTurn, 'answer'>): Promise<unknown[][]> {
    return this.sendForLists('findRequest', sessionId, sessionId, 'assistant', sessionId, requestId);
  }

  async fundedSession(balanceMsat = 10_000n): Promise<TestSession> {
    const session = await this.openSession();
    assert.equal(await this.credit(session, balanceMsat), 'applied');
    return session;
  }

  async addInvoice(sessionId: string, key: string | null = null): Promise<Buffer> {
    const hash = randomBytes(32);
    const [row] = await this.send('addInvoice', sessionId, hash, 'lnbcrt', 10_000n, inAnHour(), 1000, key);
    assert.deepEqual(row, { outcome: 'added' });
    return hash;
  }

  /** @returns their payment hashes */
  async claimDueInvoices(): Promise<Buffer[]> {
    const due = await this.send<{ session_id: string; payment_hash: Buffer }>('listDueInvoices');
    const [ids, hashes] = [due.map((row) => row.session_id), due.map((row) => row.payment_hash)];
    const claimed = await this.send<{ payment_hash: Buffer }>('claimInvoices', ids, hashes);
    return claimed.map((row) => row.payment_hash);
  }

  async credit({ paymentHash }: Pick<TestSession, 'paymentHash'>, receivedMsat: bigint): Promise<string> {
    const [row] = await this.send<{ outcome: string }>('creditPayment', Buffer.from(paymentHash, 'hex'), receivedMsat);
    return row!.outcome;
  }

  /** At 1 msat a token: a hold of 125 msat as long as there is no history. */
  async reserve(session: Pick<TestSession, 'sessionId' | 'keyHash'>, options: ReserveOptions = {}): Promise<OldTurn> {
    const { requestId = randomUUID(), key = null, bodyHash = null, saidHash = null } = options;
    const { maxMessages = 8, tokenBudget = 4000 } = options;
    const { sessionId, keyHash } = session;
    const caller = [sessionId, keyHash, requestId, key, bodyHash, saidHash, 'a model', this.owner];
    const bounds = [15_000, 16, 1000n, 1000n, 100, 64, maxMessages, tokenBudget, 20];
    const [answer] = await this.send('reserveTurn', ...caller, ...bounds);
    return { sessionId, requestId, answer: answer! };
  }

  /** 30 msat; without a reply, a turn that was cancelled. */
  async settle({ sessionId, requestId }: Omit<OldTurn, 'answer'>, reply = 'an answer'): Promise<Row | undefined> {
    const end = reply === '' ? ['incomplete', 'cancelled'] : ['completed', null];
    const words = ['a question', 3, 2, reply, Math.ceil(reply.length / 4), 3];
    const [row] = await this.send('settleTurn', sessionId, requestId, this.owner, ...end, 20, 10, 0, 30n, ...words);
    return row;
  }

  /** @param owner null: whoever finds that its lease ran out */
  async release(
    { sessionId, requestId }: Omit<OldTurn, 'answer'>,
    owner: string | null = this.owner,
  ): Promise<boolean> {
    const [row] = await this.send<{ released: boolean }>('releaseTurn', sessionId, requestId, owner, 0);
    return row!.released;
  }
}

/** Ends what a test left running. */
export async function endAllTurns(old: OldServer, { $client: pool }: Database): Promise<void> {
  await pool.query(`UPDATE session_requests SET lease_expires_at = now() - interval '1 s' WHERE state = 'running'`);
  const abandoned = await old.send<{ session_id: string; id: string }>('listAbandonedRequests', 100);
  // oxlint-disable-next-line no-await-in-loop
  for (const { session_id, id } of abandoned) await old.release({ sessionId: session_id, requestId: id }, null);
}
