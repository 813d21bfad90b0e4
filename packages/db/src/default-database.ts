import { AppError } from '@timmy-tower/contract';

import { parsePooler } from './connection.ts';
import { connect, type OpenedDatabase } from './open.ts';
import type { Db } from './transaction.ts';

let opened: OpenedDatabase | undefined;

/**
 * The database of `DATABASE_URL`, for those who use this package alone: opened when first used, never migrated by itself, and
 * through a pooler if `DATABASE_POOLER` is `transaction`.
 * @throws {AppError} `unavailable` when `DATABASE_URL` is not set
 * @throws {RangeError} when `DATABASE_POOLER` says something else
 */
export function defaultDatabase(): Db {
  const url = process.env['DATABASE_URL'];
  if (!opened && !url) throw new AppError('unavailable', 'Set DATABASE_URL, or pass a database as the last argument.');
  opened ??= connect(url!, { pooler: parsePooler(process.env['DATABASE_POOLER']) });
  return opened.db;
}

/** Closes what `defaultDatabase` opened, so that a program can end. */
export async function closeDefaultDatabase(): Promise<void> {
  const closing = opened;
  opened = undefined;
  await closing?.close();
}
