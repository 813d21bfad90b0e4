import { eq, type ExtractTablesWithRelations, is } from 'drizzle-orm';
import { drizzle, type NodePgDatabase, type NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import { type PgDatabase, PgTransaction } from 'drizzle-orm/pg-core';
import type pg from 'pg';

import { isConnectionLost, sqlState, unavailable } from './pg-error.ts';
import { sessions } from './schema.ts';

type Schema = Record<string, never>;

/** An open database, its pool as `$client`. Each statement on it is a transaction of its own. */
export type Database = NodePgDatabase<Schema> & { $client: pg.Pool };

/** Inside a transaction: what must be called within one asks for this. */
export type Tx = PgTransaction<NodePgQueryResultHKT, Schema, ExtractTablesWithRelations<Schema>>;

/** Where a query can run: a database or a transaction. */
export type Db = PgDatabase<NodePgQueryResultHKT, Schema>;

const RETRIED_SQL_STATES = new Set(['40001', '40P01']); // serialization_failure, deadlock_detected
const ATTEMPTS = 5;

/**
 * Runs `body` in one transaction. It may run more than once: a serialization failure or a deadlock starts it anew.
 * @throws {AppError} `unavailable` when no connection can be had
 */
export async function inTransaction<T>(database: Database, body: (tx: Tx) => Promise<T>): Promise<T> {
  return withRetry(database, async () => {
    const client = await database.$client.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    let broken = false;
    try {
      return await drizzle(client).transaction(body);
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
 */
export async function withRetry<T>(db: Db, run: () => Promise<T>): Promise<T> {
  const attempts = is(db, PgTransaction) ? 1 : ATTEMPTS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === attempts || !RETRIED_SQL_STATES.has(sqlState(error) ?? '')) throw error;
    }
  }
}

/**
 * A hot statement: planned once per connection under its name, then sent by name.
 * @returns its rows, as the driver reads them: bigint and timestamptz as text
 */
export async function queryPrepared<Row>(
  db: Db,
  statement: { readonly name: string; readonly text: string },
  params: readonly unknown[],
): Promise<Row[]> {
  const query = { sql: statement.text, params: [...params] };
  const prepared = db._.session.prepareQuery<{ execute: pg.QueryResult; all: unknown; values: unknown }>(
    query,
    undefined,
    statement.name,
    false,
  );
  const { rows }: { rows: Row[] } = await prepared.execute();
  return rows;
}
