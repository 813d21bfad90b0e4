import { sql } from 'drizzle-orm';

import { toAppError } from './pg-error.ts';
import type { Db } from './transaction.ts';

/**
 * Resolves when the database answers and can be written: it is no standby, not read-only, and its disk takes more.
 * @throws {AppError} `unavailable` when one of these is not so
 */
export async function checkWritable(db: Db): Promise<void> {
  try {
    await db.execute(sql`SELECT check_writable()`);
  } catch (error) {
    throw toAppError(error);
  }
}
