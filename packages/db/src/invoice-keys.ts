/** By which key an invoice was asked for: each key of a session has one invoice, and an invoice one key at most. */
import { and, eq, sql } from 'drizzle-orm';

import { invoiceColumns, type StoredInvoice, toStoredInvoice } from './invoices.ts';
import { invoices } from './schema.ts';
import { type Db, queryRows, withRetry } from './transaction.ts';

export interface KeyedInvoice {
  readonly sessionId: string;
  readonly idempotencyKey: string;
}

/** The invoice that was asked for with this key, in whatever state. */
export async function findInvoiceByKey(
  db: Db,
  { sessionId, idempotencyKey }: KeyedInvoice,
): Promise<StoredInvoice | undefined> {
  const [row] = await db
    .select(invoiceColumns)
    .from(invoices)
    .where(and(eq(invoices.sessionId, sessionId), eq(invoices.idempotencyKey, idempotencyKey)));
  return row && toStoredInvoice(row);
}

/** Gives an unpaid invoice to a key, for good. @returns false when it has another key, or the key another invoice */
export async function keyInvoice(
  db: Db,
  { sessionId, idempotencyKey, paymentHash }: KeyedInvoice & { readonly paymentHash: string },
): Promise<boolean> {
  const hash = Buffer.from(paymentHash, 'hex');
  const rows = await withRetry(db, () =>
    queryRows<{ keyed: boolean }>(db, sql`SELECT key_invoice(${sessionId}, ${hash}, ${idempotencyKey}) AS keyed`),
  );
  return rows[0]!.keyed;
}
