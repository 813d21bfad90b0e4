/** Payments in. An invoice is looked up at the wallet until it is paid, or a day after it expired; paid late is paid. */
import type { InvoiceStatus, Msat } from '@timmy-tower/contract';
import { and, desc, eq, gt, gte, isNotNull, isNull, sql } from 'drizzle-orm';

import { invoices } from './schema.ts';
import { type Database, type Db, inTransaction, lockSession, queryRows, type Tx, withRetry } from './transaction.ts';

export interface NewSessionInvoice {
  /** 64 lower-case hex digits. */
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly amountMsat: Msat;
  readonly expiresAt: Date;
}

export interface StoredInvoice extends NewSessionInvoice {
  readonly status: InvoiceStatus;
}

type InvoiceRow = typeof invoices.$inferSelect;

export function toStoredInvoice(row: InvoiceRow): StoredInvoice {
  const { bolt11, amountMsat, expiresAt } = row;
  const unpaid = expiresAt.getTime() > Date.now() ? 'pending' : 'expired';
  return {
    paymentHash: row.paymentHash.toString('hex'),
    bolt11,
    amountMsat,
    expiresAt,
    status: row.paidAt ? 'paid' : unpaid,
  };
}

/** Adds an invoice that tops up a session. */
export async function addInvoice(
  database: Database,
  sessionId: string,
  invoice: NewSessionInvoice,
): Promise<StoredInvoice> {
  return inTransaction(database, async (tx) => {
    await lockSession(tx, sessionId);
    return insertInvoice(tx, sessionId, invoice);
  });
}

export async function insertInvoice(tx: Tx, sessionId: string, invoice: NewSessionInvoice): Promise<StoredInvoice> {
  const [row] = await tx
    .insert(invoices)
    .values({ ...invoice, paymentHash: Buffer.from(invoice.paymentHash, 'hex'), sessionId })
    .returning();
  return toStoredInvoice(row!);
}

/** The newest invoice of a session that can still be paid and asks for at least `amountMsat`. */
export async function findPayableInvoice(
  db: Db,
  { sessionId, amountMsat }: { sessionId: string; amountMsat: Msat },
): Promise<StoredInvoice | undefined> {
  const [row] = await db
    .select()
    .from(invoices)
    .where(
      and(
        eq(invoices.sessionId, sessionId),
        isNull(invoices.paidAt),
        gt(invoices.expiresAt, sql`clock_timestamp()`),
        gte(invoices.amountMsat, amountMsat),
      ),
    )
    .orderBy(desc(invoices.createdAt))
    .limit(1);
  return row && toStoredInvoice(row);
}

export type CreditOutcome = 'applied' | 'replayed' | 'foreign';

/**
 * Credits what a paid invoice received to its session, once per payment hash, and makes the session active.
 * `replayed`: credited before. `foreign`: no invoice of ours.
 */
export async function creditPayment(
  db: Db,
  { paymentHash, receivedMsat }: { paymentHash: string; receivedMsat: Msat },
): Promise<CreditOutcome> {
  const hash = Buffer.from(paymentHash, 'hex');
  const [row] = await withRetry(db, () =>
    queryRows<{ outcome: CreditOutcome }>(db, sql`SELECT credit_payment(${hash}, ${receivedMsat}) AS outcome`),
  );
  return row!.outcome;
}

/** Has every invoice that is still watched looked up as soon as possible: for the start of a server. */
export async function lookUpAllInvoicesNow(db: Db): Promise<void> {
  await db
    .update(invoices)
    .set({ nextLookupAt: sql`clock_timestamp()` })
    .where(isNotNull(invoices.nextLookupAt));
}

// The younger an invoice, the more often: every 10 s in its first minute, in the end every 10 minutes.
const nextLookup = sql`CASE
  WHEN clock_timestamp() < created_at + interval '1 minute' THEN clock_timestamp() + interval '10 seconds'
  WHEN clock_timestamp() < created_at + interval '5 minutes' THEN clock_timestamp() + interval '30 seconds'
  WHEN clock_timestamp() < created_at + interval '30 minutes' THEN clock_timestamp() + interval '2 minutes'
  ELSE clock_timestamp() + interval '10 minutes'
END`;

/**
 * Takes up to `limit` payment hashes whose turn it is to be looked up, and sets when each will be due again. Servers that
 * claim at once get different ones.
 */
export async function claimInvoicesToLookUp(db: Db, limit: number): Promise<string[]> {
  // Materialized: the planner may run a plain subquery once per row, each time over other rows, past the limit.
  const rows = await queryRows<{ payment_hash: Buffer }>(
    db,
    sql`
    WITH due AS MATERIALIZED (
      SELECT payment_hash FROM ${invoices} WHERE next_lookup_at <= clock_timestamp()
      ORDER BY next_lookup_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE ${invoices} SET next_lookup_at = ${nextLookup}
    WHERE payment_hash IN (SELECT payment_hash FROM due)
    RETURNING payment_hash`,
  );
  return rows.map((row) => row.payment_hash.toString('hex'));
}

/** Stops watching an invoice that the wallet just said is unpaid, once it expired a day ago. */
export async function stopWatchingIfDead(db: Db, paymentHash: string): Promise<void> {
  await db
    .update(invoices)
    .set({ nextLookupAt: null })
    .where(
      and(
        eq(invoices.paymentHash, Buffer.from(paymentHash, 'hex')),
        sql`${invoices.expiresAt} + interval '1 day' < clock_timestamp()`,
      ),
    );
}
