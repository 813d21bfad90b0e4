import { DrizzleQueryError, is, type SQL } from 'drizzle-orm';
import { type PgDatabase, type PgQueryResultHKT, PgTransaction, type PgTransactionConfig } from 'drizzle-orm/pg-core';

import { HistoryError } from './error.ts';

/** What runs statements on PostgreSQL. */
export type Statements = Pick<PgDatabase<PgQueryResultHKT>, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

/** Any Drizzle database or transaction on PostgreSQL, whatever its driver and its schema. */
export type HistoryDatabase = Statements & {
  transaction<T>(body: (tx: HistoryDatabase) => Promise<T>, config?: PgTransactionConfig): Promise<T>;
};

/** In the transaction that is given, or in one of its own, at the isolation that keeping order is written for. */
export function inTransactionOf<T>(db: HistoryDatabase, body: (tx: Statements) => Promise<T>): Promise<T> {
  return is(db, PgTransaction) ? body(db) : db.transaction(body, { isolationLevel: 'read committed' });
}

/** A statement written in SQL. @returns its rows, as the driver reads them */
export async function queryRows<Row>(db: Pick<Statements, 'execute'>, query: SQL): Promise<Row[]> {
  return rowsOf(await db.execute(query));
}

/** Some drivers give the rows, some a result that has them. */
export function rowsOf<Row>(result: unknown): Row[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each statement knows its own columns
  return Array.isArray(result) ? result : (result as { rows: Row[] }).rows;
}

/**
 * What goes wrong in `run` is an error of ours. Drizzle's own quotes the statement's parameters, and with them what was said.
 * @throws {HistoryError}
 */
export async function withoutWords<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof HistoryError) throw error;
    throw databaseFailed(error instanceof DrizzleQueryError ? error.cause : error);
  }
}

/**
 * Unreadable as its type, too large for it, U+0000: of all that a statement is given, only an id can be that. What is said was
 * looked at before.
 */
const NO_ID: readonly (string | undefined)[] = ['22P02', '22003', '22021'];

function databaseFailed(cause: unknown): HistoryError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  if (NO_ID.includes(code)) {
    return new HistoryError(
      'invalid-id',
      'An id cannot be one: give a session’s id as its table has it, and as `after` the id of a message, a UUID.',
      { cause },
    );
  }
  const state = code === undefined ? 'no answer' : `error ${code}`;
  return new HistoryError('database-failed', `A statement on the history failed: ${state}. Its cause says more.`, {
    cause,
  });
}
