import type { Msat } from '@timmy-tower/contract';
import { and, asc, desc, eq, sql } from 'drizzle-orm';

import { ledgerEntries } from './schema.ts';
import { type Db, queryRows } from './transaction.ts';

export type LedgerEntry = typeof ledgerEntries.$inferSelect;

/** A session's ledger, oldest entry first: its amounts sum to the session's balance. */
export async function listLedger(db: Db, sessionId: string): Promise<LedgerEntry[]> {
  return db
    .select()
    .from(ledgerEntries)
    .where(eq(ledgerEntries.sessionId, sessionId))
    .orderBy(asc(ledgerEntries.createdAt));
}

export interface LedgerPageOptions {
  readonly sessionId: string;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The page starts behind this entry, in the page's own order. */
  readonly after?: string | undefined;
}

export interface LedgerPage {
  readonly entries: LedgerEntry[];
  readonly hasMore: boolean;
}

/** One page of a session's ledger, in the order of (created_at, id); undefined when `after` is no entry of it. */
export async function listLedgerPage(db: Db, options: LedgerPageOptions): Promise<LedgerPage | undefined> {
  const { sessionId, limit, order, after } = options;
  const direction = order === 'asc' ? asc : desc;
  // The cursor is compared in SQL: a JavaScript Date drops microseconds, and with them rows.
  const position = sql`(${ledgerEntries.createdAt}, ${ledgerEntries.id})`;
  const cursor = sql`(SELECT c.created_at, c.id FROM ${ledgerEntries} c WHERE c.session_id = ${sessionId} AND c.id = ${after})`;
  const behindCursor = order === 'asc' ? sql`${position} > ${cursor}` : sql`${position} < ${cursor}`;
  const rows = await db
    .select()
    .from(ledgerEntries)
    .where(and(eq(ledgerEntries.sessionId, sessionId), after === undefined ? undefined : behindCursor))
    .orderBy(direction(ledgerEntries.createdAt), direction(ledgerEntries.id))
    .limit(limit + 1);
  if (rows.length === 0 && after !== undefined && !(await isEntryOf(db, sessionId, after))) return undefined;
  return { entries: rows.slice(0, limit), hasMore: rows.length > limit };
}

async function isEntryOf(db: Db, sessionId: string, id: string): Promise<boolean> {
  const rows = await db
    .select({ id: ledgerEntries.id })
    .from(ledgerEntries)
    .where(and(eq(ledgerEntries.sessionId, sessionId), eq(ledgerEntries.id, id)));
  return rows.length > 0;
}

export interface Discrepancy {
  readonly sessionId: string;
  readonly balanceMsat: Msat;
  readonly ledgerMsat: Msat;
  readonly heldMsat: Msat;
  readonly runningHoldsMsat: Msat;
}

/**
 * Checks the books: the sessions whose balance is not the sum of their ledger, or whose held part is not the sum of their
 * running requests' holds. Always empty; it reads every session, so it is for operators and tests.
 */
export async function listDiscrepancies(db: Db): Promise<Discrepancy[]> {
  const rows = await queryRows<Record<'balance' | 'ledger' | 'held' | 'holds' | 'id', string>>(
    db,
    sql`
    SELECT * FROM (
      SELECT s.id, s.balance_msat AS balance, s.held_msat AS held,
        coalesce((SELECT sum(l.amount_msat) FROM ledger_entries l WHERE l.session_id = s.id), 0)::bigint AS ledger,
        coalesce((SELECT sum(r.held_msat) FROM session_requests r WHERE r.session_id = s.id AND r.state = 'running'), 0)::bigint AS holds
      FROM sessions s
    ) books
    WHERE balance <> ledger OR held <> holds`,
  );
  return rows.map((row) => ({
    sessionId: row.id,
    balanceMsat: BigInt(row.balance),
    ledgerMsat: BigInt(row.ledger),
    heldMsat: BigInt(row.held),
    runningHoldsMsat: BigInt(row.holds),
  }));
}
