/** What `drizzle-kit migrate` does first: brings the schema of DATABASE_URL up to date. At the root, `db:migrate` is the command. */
import { parsePooler } from './connection.ts';
import { openDatabase } from './open.ts';

try {
  // oxlint-disable-next-line node/no-process-env -- a command of its own
  const { DATABASE_URL = '', DATABASE_POOLER } = process.env;
  const { close } = await openDatabase(DATABASE_URL, { pooler: parsePooler(DATABASE_POOLER) });
  await close();
  console.log('The schema is up to date.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
