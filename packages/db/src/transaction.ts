import { eq, type ExtractTablesWithRelations, is } from 'drizzle-orm';
import { drizzle, type NodePgDatabase, type NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import { type PgQueryResultHKT, type PgSession, PgTransaction } from 'drizzle-orm/pg-core';
import type pg from 'pg';

import { rowsOf, type Statements } from './history/database.ts';
import { isConnectionLost, unavailable } from './pg-error.ts';
import { retryConflicts } from './retry.ts';
import { sessions } from './schema.ts';

export { queryRows } from './history/database.ts';

type Schema = Record<string, never>;

/** An open database, its pool as `$client`. Each statement on it is a transaction of its own. */
export type Database = NodePgDatabase<Schema> & { $client: pg.Pool };

/** Where a query can run: any Drizzle database or transaction on PostgreSQL, whatever its driver and its schema. */
export type Db = Statements & {
  readonly _: { readonly session: Pick<PgSession, 'prepareQuery'> };
};

/** What `inTransaction` gives: a `Tx` of node-postgres. */
type PoolTx = PgTransaction<NodePgQueryResultHKT, Schema, ExtractTablesWithRelations<Schema>>;

/** Inside a transaction: what must be called within one asks for this. */
export type Tx = Db & Pick<PgTransaction<PgQueryResultHKT>, 'rollback'>;

/**
 * Runs `body` in one transaction, on a pool of node-postgres. It may run more than once: a serialization failure or a deadlock
 * starts it anew. Its isolation is READ COMMITTED, whatever the database's default: what this package does within a
 * transaction is written for it, and each statement after a lock sees what the last holder of the lock committed.
 * @throws {AppError} `unavailable` when no connection can be had, or others are in the way for too long
 */
export async function inTransaction<T>(
  database: { readonly $client: pg.Pool },
  body: (tx: PoolTx) => Promise<T>,
): Promise<T> {
  return retryConflicts(async () => {
    const client = await database.$client.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    let broken = false;
    try {
      return await drizzle(client).transaction(body, { isolationLevel: 'read committed' });
    } catch (error) {
      broken = isConnectionLost(error);
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

/** Takes the lock that every writer of a session's rows takes first. */
export async function lockSession(tx: Tx, sessionId: string): Promise<void> {
  await tx.select({ id: sessions.id }).from(sessions).where(eq(sessions.id, sessionId)).for('no key update');
}

/**
 * Runs one statement's call again on a serialization failure or a deadlock. Not inside a transaction: that has failed as a
 * whole, and it is the one who opened it that starts it anew.
 * @throws {AppError} `unavailable` when others are in the way for too long
 */
export async function withRetry<T>(db: Db, run: () => Promise<T>): Promise<T> {
  return is(db, PgTransaction) ? run() : retryConflicts(run);
}

/**
 * A hot statement: planned once per connection under its name, then sent by name.
 * @returns its rows, as the driver reads them: with node-postgres bigint and timestamptz as text
 */
export async function queryPrepared<Row>(
  db: Db,
  statement: { readonly name: string; readonly text: string },
  params: readonly unknown[],
): Promise<Row[]> {
  const query = { sql: statement.text, params: [...params] };
  return rowsOf(await db._.session.prepareQuery(query, undefined, statement.name, false).execute());
}
