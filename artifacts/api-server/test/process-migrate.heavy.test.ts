/** The command `migrate`, with a server beside it and without one. */
import { readdir } from 'node:fs/promises';

import { openEmptyDatabase } from '@timmy-tower/db/testing';
import { expect, test } from 'vitest';

import { until } from './harness.ts';
import { call, fundSession } from './server-client.ts';
import { openPlace, type Place } from './server-process.ts';

const MIGRATED = { code: 0, stdout: 'The schema is up to date.\n', stderr: '' };

test('beside a running server it is a guest in its PostgreSQL, which goes on', async () => {
  await using place = await openPlace();
  expect(await place.run({}, ['migrate'])).toMatchObject(MIGRATED);
  expect(place.postgresPid(), 'alone, it stops what it started').toBeUndefined();

  const server = await place.start();
  const session = await fundSession(server);
  const postgres = place.postgresPid();
  expect(await place.run({}, ['migrate'])).toMatchObject(MIGRATED);
  expect(place.postgresPid()).toBe(postgres);
  expect((await session.ask('How do I brew tea?')).status).toBe(200);
  expect((await call(server, '/readyz')).status).toBe(200);
  server.signal('SIGTERM');
  expect(await server.ended, 'its claim is its own').toBe(0);
});

test('beside a server that is just starting for the first time it waits for its PostgreSQL', async () => {
  await using place = await openPlace();
  const starting = place.start();
  await until(async () => isClaimed(place));
  const [server, ...migrated] = await Promise.all([starting, place.run({}, ['migrate']), place.run({}, ['migrate'])]);
  for (const each of migrated) expect(each).toMatchObject(MIGRATED);
  expect((await call(server, '/readyz')).status).toBe(200);
});

/** Before, whoever comes first has it. */
async function isClaimed({ directory }: Place): Promise<boolean> {
  const files = await readdir(directory, { recursive: true });
  return files.some((file) => /claim\.\d+$/.test(file));
}

test('on a database that is named it needs no other setting', async () => {
  const database = await openEmptyDatabase();
  await using place = await openPlace();
  const env = { DATABASE_URL: database.url, NODE_ENV: 'production', MODEL: 'nothing', DATABASE_URI: 'hunter2' };
  const migrated = await place.run(env, ['migrate']);
  expect(migrated).toMatchObject({ code: 0, stdout: MIGRATED.stdout });
  expect(migrated.stderr, 'what does nothing is told here too').toContain('Did you mean DATABASE_URL?');
  expect(await place.run({ DATABASE_URL: 'mysql://root:hunter2@db' }, ['migrate'])).toMatchObject({
    code: 1,
    text: expect.not.stringContaining('hunter2'),
  });
  await database.close();
});
