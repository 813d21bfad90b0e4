/** The lock that migrations run under. It ends with its transaction: one of a session would stay behind in a pooler. */
import { sql } from 'drizzle-orm';

import { type Db, queryRows, type Tx } from './transaction.ts';

/** Any number, as long as nobody else takes it; version 0.1.0 takes the same. */
const MIGRATION_LOCK = 7_466_900_001n;

/**
 * How long a try waits for each lock. Turns queue behind a table's lock that waits for another one: it gives up soon, lets
 * them pass, and is taken up again, so that a transaction that hangs keeps the migration from running, and nobody's turn.
 *
 * At first three of them are shorter than the second after which PostgreSQL looks for deadlocks: it is never an older server's
 * statement that is ended as the victim. Later one is longer than that second: only then does autovacuum let go of a table.
 */
export const lockTimeoutsMs = { atFirst: 300, later: 2000 } as const;

/** Takes the lock and makes the transaction fit for migrations, whatever the role or the database has set. */
export async function lockForMigration(tx: Tx, lockTimeoutMs: number): Promise<void> {
  // All but lock_timeout: a migration takes as long as it takes. (transaction_timeout is known from PostgreSQL 17 on.)
  await tx.execute(sql`
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`);
  await tx.execute(
    sql`SELECT set_config('lock_timeout', ${String(lockTimeoutMs)}, true), set_config('search_path', 'public', true)`,
  );
  await tx.execute(sql`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
}

/** Who has the lock; if nobody does, whose transaction has been in our tables for longest. For people to read. */
export async function findLockHolder(db: Db): Promise<string | undefined> {
  const [high, low] = [MIGRATION_LOCK >> 32n, MIGRATION_LOCK & 0xffff_ffffn];
  const [holder] = await queryRows<{ pid: number; name: string; state: string | null; since: string | null }>(
    db,
    sql`
    SELECT a.pid, a.application_name AS name, a.state,
      to_char(coalesce(a.xact_start, a.state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database()
      AND (l.locktype = 'advisory' AND l.classid = ${high} AND l.objid = ${low} AND l.objsubid = 1
        OR l.relation IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = to_regnamespace('public')))
    ORDER BY l.locktype <> 'advisory', a.xact_start LIMIT 1`,
  );
  return (
    holder &&
    `pid ${holder.pid} (“${holder.name}”, ${holder.state ?? 'another role’s'} since ${holder.since ?? 'an unknown time'})`
  );
}
