/** `pnpm db:migrate`: brings the schema up to date, on DATABASE_URL or on the embedded PostgreSQL. */
import { resolve } from 'node:path';

import { openEmbedded } from '@timmy-tower/embedded-postgres';

import { parsePooler } from './connection.ts';
import { openDatabase } from './open.ts';

// oxlint-disable-next-line node/no-process-env -- a command of its own
const given = process.env['DATABASE_URL'];

async function main(): Promise<void> {
  if (given) return migrate(given);
  const embedded = await openEmbedded(resolve('.data/postgres'), {
    label: 'timmy-tower db:migrate',
    onLost: () => process.exit(1),
  });
  try {
    await migrate(embedded.url());
  } finally {
    await embedded.stop();
  }
}

async function migrate(url: string): Promise<void> {
  // oxlint-disable-next-line node/no-process-env
  const { close } = await openDatabase(url, { pooler: parsePooler(process.env['DATABASE_POOLER']) });
  await close();
  console.log('The schema is up to date.');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
