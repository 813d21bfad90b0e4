/**
 * Payments in. An invoice is looked up at the wallet until it is paid, or a day after it expired; paid late is paid.
 * Whether one can still be paid is told by the database's clock, the same for every server.
 */
import type { InvoiceStatus, Msat } from '@timmy-tower/contract';
import { and, desc, eq, isNotNull, isNull, sql } from 'drizzle-orm';

import { unlessLocked } from './pg-error.ts';
import { invoices } from './schema.ts';
import { type Db, queryRows, withRetry } from './transaction.ts';

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

/** An invoice with what the database's clock says of it. */
export const invoiceColumns = {
  paymentHash: invoices.paymentHash,
  bolt11: invoices.bolt11,
  amountMsat: invoices.amountMsat,
  expiresAt: invoices.expiresAt,
  status: sql<InvoiceStatus>`CASE WHEN ${invoices.paidAt} IS NOT NULL THEN 'paid'
    WHEN ${invoices.expiresAt} > statement_timestamp() THEN 'pending' ELSE 'expired' END`.as('invoice_status'),
};

export type InvoiceRow = Omit<StoredInvoice, 'paymentHash'> & { readonly paymentHash: Buffer };

export function toStoredInvoice({ paymentHash, bolt11, amountMsat, expiresAt, status }: InvoiceRow): StoredInvoice {
  return { paymentHash: paymentHash.toString('hex'), bolt11, amountMsat, expiresAt, status };
}

export interface InvoiceLimit {
  /** How many invoices of a session can be paid at one time. */
  readonly mostPending: number;
  /** What it is asked for with: a session has one invoice for it. */
  readonly idempotencyKey?: string | undefined;
}

/** Adds an invoice that tops up a session. @returns `known` when its key has one, undefined when the session has enough */
export async function addInvoice(
  db: Db,
  sessionId: string,
  invoice: NewSessionInvoice & InvoiceLimit,
): Promise<StoredInvoice | 'known' | undefined> {
  const { bolt11, amountMsat, expiresAt, mostPending, idempotencyKey: key = null } = invoice;
  const hash = Buffer.from(invoice.paymentHash, 'hex');
  const rows = await withRetry(db, () =>
    queryRows<{ outcome: 'added' | 'too-many' | 'known' | 'not-found' }>(
      db,
      sql`
      SELECT add_invoice(${sessionId}, ${hash}, ${bolt11}, ${amountMsat}, ${expiresAt}, ${mostPending}, ${key}) AS outcome`,
    ),
  );
  if (rows[0]?.outcome === 'known') return 'known';
  if (rows[0]?.outcome !== 'added') return undefined;
  return { paymentHash: invoice.paymentHash, bolt11, amountMsat, expiresAt, status: 'pending' };
}

export interface PayableInvoice extends StoredInvoice {
  /** Until it expires, by the database's clock. */
  readonly leftMs: number;
  /** Whether it is some key's already. */
  readonly isKeyed: boolean;
}

/** Of a session's newest unpaid invoices, `limit` of them, those that can still be paid: what is older expired before them. */
export async function listPayableInvoices(
  db: Db,
  { sessionId, limit }: { sessionId: string; limit: number },
): Promise<PayableInvoice[]> {
  const leftMs = sql<string>`extract(epoch FROM ${invoices.expiresAt} - statement_timestamp()) * 1000`;
  const rows = await db
    .select({
      ...invoiceColumns,
      leftMs: leftMs.mapWith(Number),
      isKeyed: sql<boolean>`${invoices.idempotencyKey} IS NOT NULL`,
    })
    .from(invoices)
    .where(and(eq(invoices.sessionId, sessionId), isNull(invoices.paidAt)))
    .orderBy(desc(invoices.createdAt))
    .limit(limit);
  return rows
    .filter(({ status }) => status === 'pending')
    .map(({ leftMs: left, isKeyed, ...invoice }) => ({ ...toStoredInvoice(invoice), leftMs: left, isKeyed }));
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
  const rows = await withRetry(db, () =>
    queryRows<{ outcome: CreditOutcome }>(db, sql`SELECT credit_payment(${hash}, ${receivedMsat}) AS outcome`),
  );
  return rows[0]!.outcome;
}

/** Where a walk over the watched invoices has got to. */
export interface WatchedInvoice {
  readonly paymentHash: string;
  readonly createdAt: string;
}

/** Invoices that are still watched, newest first, those behind `after`: for the start of a server. */
export async function listWatchedInvoices(
  db: Db,
  { after, limit }: { after?: WatchedInvoice | undefined; limit: number },
): Promise<WatchedInvoice[]> {
  const behind =
    after && sql`(created_at, payment_hash) < (${after.createdAt}, ${Buffer.from(after.paymentHash, 'hex')})`;
  return db
    .select({
      // As text: a JavaScript Date drops microseconds.
      createdAt: sql<string>`${invoices.createdAt}::text`,
      paymentHash: sql<string>`encode(${invoices.paymentHash}, 'hex')`,
    })
    .from(invoices)
    .where(and(isNotNull(invoices.nextLookupAt), behind))
    .orderBy(desc(invoices.createdAt), desc(invoices.paymentHash))
    .limit(limit);
}

// The younger an invoice, the more often: every 10 s in its first minute, in the end every 10 minutes. A day after it expired
// it is looked up for the last time.
const nextLookup = sql`CASE
  WHEN expires_at < statement_timestamp() - interval '1 day' THEN NULL
  WHEN created_at > statement_timestamp() - interval '1 minute' THEN statement_timestamp() + interval '10 seconds'
  WHEN created_at > statement_timestamp() - interval '5 minutes' THEN statement_timestamp() + interval '30 seconds'
  WHEN created_at > statement_timestamp() - interval '30 minutes' THEN statement_timestamp() + interval '2 minutes'
  ELSE statement_timestamp() + interval '10 minutes'
END`;

/**
 * Takes up to `limit` payment hashes whose turn it is to be looked up, those that became due last first (they are the
 * youngest), and sets when each will be due again. Servers that claim at once get different ones: the second one finds that
 * the time has moved on. One that is locked by somebody who does not let go keeps nobody from the others.
 */
export async function claimInvoicesToLookUp(db: Db, limit: number): Promise<string[]> {
  const due = await listDueInvoices(db, limit);
  if (due.length === 0) return [];
  const all = await unlessLocked(() => claimInvoices(db, due));
  if (all) return all;
  const claimed: string[] = [];
  for (const invoice of due) {
    // oxlint-disable-next-line no-await-in-loop -- one connection is enough
    claimed.push(...((await unlessLocked(() => claimInvoices(db, [invoice]))) ?? []));
  }
  return claimed;
}

type DueInvoice = Pick<typeof invoices.$inferSelect, 'sessionId' | 'paymentHash'>;

async function listDueInvoices(db: Db, limit: number): Promise<DueInvoice[]> {
  // The limit is a literal: a parameter counts as a tenth of all that is due, for which every invoice would be read.
  const rows = await queryRows<{ session_id: string; payment_hash: Buffer }>(
    db,
    sql`
    SELECT session_id, payment_hash FROM invoices WHERE next_lookup_at <= statement_timestamp()
    ORDER BY next_lookup_at DESC LIMIT ${sql.raw(String(limit))}`,
  );
  return rows.map((row) => ({ sessionId: row.session_id, paymentHash: row.payment_hash }));
}

async function claimInvoices(db: Db, due: readonly DueInvoice[]): Promise<string[]> {
  const sessionIds = sql.param(due.map(({ sessionId }) => sessionId));
  const hashes = sql.param(due.map(({ paymentHash }) => paymentHash));
  const rows = await withRetry(db, () =>
    queryRows<{ payment_hash: Buffer }>(
      db,
      sql`
    UPDATE invoices i SET next_lookup_at = ${nextLookup}
    FROM unnest(${sessionIds}::uuid[], ${hashes}::bytea[]) AS due (session_id, payment_hash)
    WHERE i.session_id = due.session_id AND i.payment_hash = due.payment_hash AND i.next_lookup_at <= statement_timestamp()
    RETURNING i.payment_hash`,
    ),
  );
  return rows.map((row) => row.payment_hash.toString('hex'));
}
