/** The command `migrate`: brings the schema up to date, and leaves a server that runs alone. */
import { openDatabase } from '@timmy-tower/db';
import type { Logger } from 'pino';

import type { DatabaseSettings } from './config.ts';
import { openPostgresBeside } from './own-postgres.ts';

/** @throws {AppError} when the database cannot be opened or migrated */
export async function migrate({ DATABASE_URL, DATABASE_POOLER }: DatabaseSettings, log: Logger): Promise<void> {
  await using opening = new AsyncDisposableStack();
  let url = DATABASE_URL;
  if (url === undefined) {
    const own = await openPostgresBeside(log, 'timmy-tower migrate');
    opening.defer(() => own.stop());
    url = own.url();
  }
  const { close } = await openDatabase(url, { pooler: DATABASE_POOLER, onWarning: (warning) => log.warn(warning) });
  await close();
}
