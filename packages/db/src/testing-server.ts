/**
 * vitest global set-up: starts one PostgreSQL from npm for the whole run, or uses the server of `TEST_DATABASE_URL`, and
 * makes the migrated template that `openTestDatabase` clones.
 */
import { startThrowawayPostgres } from '@timmy-tower/embedded-postgres/testing';

import { openDatabase } from './open.ts';
import { administer, withDatabase } from './testing.ts';

let started: Promise<() => Promise<void>> | undefined;
let users = 0;

/** Each vitest project calls it; the first starts the server, and the last to be torn down stops it. */
export default async function setUp(): Promise<() => Promise<void>> {
  users += 1;
  started ??= start();
  const stop = await started;
  return async () => {
    users -= 1;
    if (users === 0) await stop();
  };
}

async function start(): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  const server = given ? undefined : await startThrowawayPostgres();
  const template = withDatabase(given ?? server!.url(), `timmy_template_${process.pid}`);
  const name = new URL(template).pathname.slice(1);
  await administer(template, `CREATE DATABASE ${name}`);
  const migrated = await openDatabase(template);
  await migrated.close();
  process.env['TEST_DATABASE_TEMPLATE_URL'] = template;
  return async () => {
    await administer(template, `DROP DATABASE ${name} WITH (FORCE)`);
    await server?.stop();
  };
}
