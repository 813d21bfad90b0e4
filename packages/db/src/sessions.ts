import type { Msat, SessionStatus } from '@timmy-tower/contract';
import { and, eq, lt, sql } from 'drizzle-orm';

import { insertInvoice, type NewSessionInvoice, type StoredInvoice, toStoredInvoice } from './invoices.ts';
import { invoices, sessionKeys, sessionRequests, sessions } from './schema.ts';
import { type Database, type Db, inTransaction, lockSession, type Tx } from './transaction.ts';

export interface StoredSession {
  readonly id: string;
  readonly status: SessionStatus;
  readonly balanceMsat: Msat;
  readonly heldMsat: Msat;
  readonly createdAt: Date;
  /** The last request or payment. */
  readonly usedAt: Date;
  /** The newest unpaid invoice. */
  readonly invoice: StoredInvoice | undefined;
}

export interface NewSession {
  readonly id: string;
  /** SHA-256 of its first key. */
  readonly keyHash: Buffer;
  readonly invoice: NewSessionInvoice;
}

/** Opens a session that awaits its first payment, with its key and its invoice: all three or none. */
export async function insertSession(database: Database, session: NewSession): Promise<StoredSession> {
  return inTransaction(database, async (tx) => {
    const [row] = await tx.insert(sessions).values({ id: session.id }).returning();
    await tx.insert(sessionKeys).values({ sessionId: session.id, keyHash: session.keyHash });
    const invoice = await insertInvoice(tx, session.id, session.invoice);
    return { ...row!, invoice };
  });
}

/** A new session for those who keep histories without payments: it can hold messages at once. @returns its id */
export async function createHistorySession(db: Db): Promise<string> {
  const [row] = await db.insert(sessions).values({ status: 'active' }).returning({ id: sessions.id });
  return row!.id;
}

/** The session that this key opens; undefined if there is none, or the key is another's: nobody can tell which. */
export async function findSession(
  db: Db,
  { sessionId, keyHash }: { sessionId: string; keyHash: Buffer },
): Promise<StoredSession | undefined> {
  const newestUnpaid = sql`(
    SELECT i.payment_hash FROM ${invoices} i WHERE i.session_id = ${sessions.id} AND i.paid_at IS NULL
    ORDER BY i.created_at DESC LIMIT 1)`;
  const [row] = await db
    .select({ session: sessions, invoice: invoices })
    .from(sessions)
    .innerJoin(sessionKeys, and(eq(sessionKeys.sessionId, sessions.id), eq(sessionKeys.keyHash, keyHash)))
    .leftJoin(invoices, eq(invoices.paymentHash, newestUnpaid))
    .where(eq(sessions.id, sessionId));
  if (!row) return undefined;
  return { ...row.session, invoice: row.invoice ? toStoredInvoice(row.invoice) : undefined };
}

/**
 * Marks sessions as expired that had no request and no payment for `idleMs`, run no request and have no invoice that could
 * still be paid. Their balance stays. @returns how many
 */
export async function expireIdleSessions(database: Database, idleMs: number): Promise<number> {
  const idle = and(eq(sessions.status, 'active'), lt(sessions.usedAt, before(idleMs)), noneRunning, nonePending);
  return forEachSession(database, idle, (tx, id) =>
    tx
      .update(sessions)
      .set({ status: 'expired' })
      .where(and(eq(sessions.id, id), idle))
      .returning({ id: sessions.id }),
  );
}

/** Removes sessions that were never paid, once none of their invoices can be paid any more. @returns how many */
export async function removeUnpaidSessions(database: Database): Promise<number> {
  const dead = and(eq(sessions.status, 'awaiting_payment'), nonePending);
  return forEachSession(database, dead, (tx, id) =>
    tx
      .delete(sessions)
      .where(and(eq(sessions.id, id), dead))
      .returning({ id: sessions.id }),
  );
}

const noneRunning = sql`NOT EXISTS (SELECT FROM ${sessionRequests} r WHERE r.session_id = ${sessions.id} AND r.state = 'running')`;
const nonePending = sql`NOT EXISTS (SELECT FROM ${invoices} i WHERE i.session_id = ${sessions.id} AND i.next_lookup_at IS NOT NULL)`;

const before = (ms: number) => sql`clock_timestamp() - ${ms} * interval '1 ms'`;

/** Each under its own lock, with the condition looked at again: an invoice or a request may have come in between. */
async function forEachSession(
  database: Database,
  condition: ReturnType<typeof and>,
  change: (tx: Tx, id: string) => Promise<unknown[]>,
): Promise<number> {
  const found = await database.select({ id: sessions.id }).from(sessions).where(condition);
  let changed = 0;
  for (const { id } of found) {
    // oxlint-disable-next-line no-await-in-loop -- one lock at a time
    changed += await inTransaction(database, async (tx) => {
      await lockSession(tx, id);
      return (await change(tx, id)).length;
    });
  }
  return changed;
}
