import type { Msat } from '@timmy-tower/contract';
import { asc, eq, sql } from 'drizzle-orm';

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
