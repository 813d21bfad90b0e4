/** Starting, as a process: that it says what it runs on, and that it says what keeps it from that. The rest is heavy. */
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { call } from './server-client.ts';
import { openPlace } from './server-process.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('the banner names the address, the database without its password, the wallet and the model', async () => {
  await using place = await openPlace();
  const server = await place.start({ DATABASE_URL: database.url });
  const { hostname, port, pathname, password } = new URL(database.url);
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(server.output.stdout).toContain(`PostgreSQL at ${hostname}:${port}${pathname}`);
  expect(server.output.stdout).toContain('simulated: NO REAL MONEY MOVES');
  expect(server.output.stdout).toContain('demo: offline');
  expect(password).not.toBe('');
  expect(server.output.stdout + server.output.stderr).not.toContain(password);
  expect(await call(server, '/readyz')).toMatchObject({ status: 200, body: { database: 'ok', wallet: 'ok' } });
  expect(place.postgresPid(), 'no PostgreSQL of its own').toBeUndefined();

  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
});

test('exits with 1 and words: bad settings are all listed', async () => {
  await using place = await openPlace();
  const { code, text, stdout } = await place.run({
    PORT: 'eighty',
    MIN_DEPOSIT_SATS: '5000',
    MAX_DEPOSIT_SATS: '50',
    DATABASE_URL: 'mysql://root:hunter2@db/tower',
  });
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(text).toMatch(/PORT: must be/);
  expect(text).toMatch(/MIN_DEPOSIT_SATS: must not be above MAX_DEPOSIT_SATS/);
  expect(text).toMatch(/DATABASE_URL: must be a URL like postgres:/);
  expect(text).not.toContain('hunter2');
  expect(text).not.toMatch(/^\s+at /m);
});
