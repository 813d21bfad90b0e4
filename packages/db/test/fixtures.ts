/** What the tests of this package start from: sessions with money in them, and turns with every argument filled in. */
import { randomBytes, randomUUID } from 'node:crypto';

import type { Msat } from '@timmy-tower/contract';
import { eq } from 'drizzle-orm';
import type pg from 'pg';
import { expect } from 'vitest';

import { listMessages } from '../src/history.ts';
import { addInvoice, creditPayment, type NewSessionInvoice } from '../src/invoices.ts';
import { listDiscrepancies, listLedger } from '../src/ledger.ts';
import { sessions } from '../src/schema.ts';
import { insertSession } from '../src/sessions.ts';
import type { Database, Db } from '../src/transaction.ts';
import { type SettledTurn, type SettleTurn, settleTurn } from '../src/end-turn.ts';
import { type ReservedTurn, type ReserveTurn, reserveTurn } from '../src/reserve-turn.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface TestSession {
  readonly sessionId: string;
  readonly keyHash: Buffer;
  /** Its first invoice. */
  readonly paymentHash: string;
}

export function newInvoice(changes: Partial<NewSessionInvoice> = {}): NewSessionInvoice {
  const paymentHash = randomBytes(32).toString('hex');
  return { paymentHash, bolt11: 'lnbcrt', amountMsat: 10_000n, expiresAt: new Date(Date.now() + HOUR_MS), ...changes };
}

/** A session that awaits its first payment. */
export async function unpaidSession(
  database: Database,
  invoice: Partial<NewSessionInvoice> = {},
): Promise<TestSession> {
  const session = { id: randomUUID(), keyHash: randomBytes(32), invoice: newInvoice(invoice) };
  await insertSession(database, session);
  return { sessionId: session.id, keyHash: session.keyHash, paymentHash: session.invoice.paymentHash };
}

/** An active session with this balance. */
export async function fundedSession(database: Database, balanceMsat: Msat = 10_000n): Promise<TestSession> {
  const session = await unpaidSession(database);
  const outcome = await creditPayment(database, { paymentHash: session.paymentHash, receivedMsat: balanceMsat });
  expect(outcome).toBe('applied');
  return session;
}

/** Another invoice of a session, which has room for it. */
export async function topUp(
  db: Db,
  sessionId: string,
  { idempotencyKey, ...changes }: Partial<NewSessionInvoice & { idempotencyKey: string }> = {},
): Promise<NewSessionInvoice> {
  const invoice = newInvoice(changes);
  expect(await addInvoice(db, sessionId, { ...invoice, mostPending: 1000, idempotencyKey })).toEqual({
    ...invoice,
    status: 'pending',
  });
  return invoice;
}

/** Gives an invoice up if it expired a day ago, as the claim that looks it up for the last time does. */
export async function giveUp(database: Database, paymentHash: string): Promise<void> {
  await database.$client.query(
    `UPDATE invoices SET next_lookup_at = NULL WHERE payment_hash = $1 AND expires_at < now() - interval '1 day'`,
    [Buffer.from(paymentHash, 'hex')],
  );
}

/** A turn that is let in: 1 msat a token, and a hold of 125 msat as long as there is no history. */
export function newTurn({ sessionId, keyHash }: TestSession, changes: Partial<ReserveTurn> = {}): ReserveTurn {
  return {
    sessionId,
    keyHash,
    requestId: randomUUID(),
    model: 'a model',
    owner: randomUUID(),
    leaseMs: 60_000,
    ownTokens: 16,
    inputMsatPerKtoken: 1000n,
    outputMsatPerKtoken: 1000n,
    maxOutputTokens: 100,
    minOutputTokens: 64,
    history: { maxMessages: 8, tokenBudget: 4000 },
    maxUnchargedTurns: 20,
    ...changes,
  };
}

/** What the turn's server says when the model has answered: 30 msat. */
export function endOf(turn: ReserveTurn, changes: Partial<SettleTurn> = {}): SettleTurn {
  return {
    sessionId: turn.sessionId,
    requestId: turn.requestId,
    owner: turn.owner,
    state: 'completed',
    inputTokens: 20,
    outputTokens: 10,
    reasoningTokens: 0,
    chargeMsat: 30n,
    user: { content: 'a question', promptTokens: 2 },
    reply: { content: 'an answer', promptTokens: 3 },
    ...changes,
  };
}

/** Reserves a turn that must be let in. */
export async function reserved(
  database: Database,
  session: TestSession,
  changes: Partial<ReserveTurn> = {},
): Promise<ReserveTurn & { answer: ReservedTurn }> {
  const turn = newTurn(session, changes);
  const answer = await reserveTurn(database, turn);
  if (answer.outcome !== 'reserved') throw new Error(`not reserved: ${answer.outcome}`);
  return { ...turn, answer };
}

/** A whole turn: `user` is said and `reply` comes back. A prompt token per character. */
export async function say(
  database: Database,
  session: TestSession,
  user: string,
  reply: string,
): Promise<SettledTurn & { requestId: string }> {
  const turn = await reserved(database, session);
  const text = (content: string) => ({ content, promptTokens: content.length });
  const settled = await settleTurn(database, endOf(turn, { user: text(user), reply: text(reply) }));
  return { ...settled!, requestId: turn.requestId };
}

/** Every balance is the sum of its ledger, every held part that of its running requests' holds. */
export async function expectBalancedBooks(database: Database): Promise<void> {
  expect(await listDiscrepancies(database)).toEqual([]);
}

/** Deadlocks on this database, once all but `staying` connections are gone: each hands in its count when it ends. */
export async function countDeadlocks(database: Database, staying: number): Promise<number> {
  const connected = () =>
    run(
      database,
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'`,
    );
  await expect.poll(async () => (await connected()).length).toBeLessThanOrEqual(staying);
  const count = 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()';
  const [row] = await run<{ deadlocks: number }>(database, count);
  return row!.deadlocks;
}

export async function readSession(database: Database, sessionId: string): Promise<typeof sessions.$inferSelect> {
  const [row] = await database.select().from(sessions).where(eq(sessions.id, sessionId));
  return row!;
}

/** One statement in plain SQL, for what the package has no function for. */
export async function run<Row extends pg.QueryResultRow>(
  database: Database,
  statement: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const result = await database.$client.query<Row>(statement, params);
  return result.rows;
}

/** Makes the lease of a running request run out. */
export async function loseLease(database: Database, { requestId }: { requestId: string }): Promise<void> {
  await run(
    database,
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 second' WHERE id = $1`,
    [requestId],
  );
}

/** Makes a session look as if nobody had used it for two days. */
export async function idle(database: Database, sessionId: string): Promise<void> {
  await run(database, `UPDATE sessions SET used_at = now() - interval '2 days' WHERE id = $1`, [sessionId]);
}

/** No invoice of an earlier test is looked up any more. */
export async function unwatchAll(database: Database): Promise<void> {
  await run(database, 'UPDATE invoices SET next_lookup_at = NULL');
}

/** How many statements on this database wait for a lock. */
export async function countWaiting(database: Database): Promise<number> {
  const rows = await run<{ waiting: number }>(
    database,
    `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]!.waiting;
}

/** Waits until `count` statements on this database wait for a lock. */
export async function untilWaiting(database: Database, count: number): Promise<void> {
  await expect.poll(() => countWaiting(database), { interval: 5 }).toBe(count);
}

export const chargesOf = async (database: Database, sessionId: string) =>
  (await listLedger(database, sessionId)).filter((entry) => entry.kind === 'charge');

/** Everything that was said in a session. */
export const messagesOf = async (database: Database, sessionId: string) =>
  (await listMessages(database, { sessionId, limit: 200, order: 'asc' }))!.messages;
