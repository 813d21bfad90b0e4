/** `pnpm start`, which is `scripts/start.mjs`: the server, started from any folder, with its signals and its exit code. */
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';

import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openPlace, PREFLIGHT, START } from './server-process.ts';

// Starting a server takes seconds where the processors are busy.
vi.setConfig({ testTimeout: 180_000 });

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('starts in another folder, serves the page, and Ctrl-C ends it with 0', async () => {
  await using place = await openPlace([START]);
  const server = await place.start({ DATABASE_URL: database.url });
  const page = await fetch(server.url, { headers: { accept: 'text/html', connection: 'close' } });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
  expect((await fetch(`${server.url}/readyz`, { headers: { connection: 'close' } })).status).toBe(200);
  server.signal('SIGINT');
  expect(await server.ended).toBe(0);
  expect(server.output.stderr).toContain('stopping: running turns may finish first');
});

test('exits with 1 and words where its port is taken', async () => {
  await using place = await openPlace([START]);
  const other = createServer().listen(0, '127.0.0.1');
  try {
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { code, text } = await place.run({ DATABASE_URL: database.url, PORT: port });
    expect(code).toBe(1);
    expect(text).toContain(`Cannot listen on 127.0.0.1:${port}. Set PORT to another one.`);
    expect(text).not.toMatch(/^\s+at /m);
  } finally {
    other.close();
  }
});

test('hands on what the command line asks for', async () => {
  await using place = await openPlace([START]);
  const { code, text } = await place.run({}, ['--port=4000']);
  expect(code).toBe(1);
  expect(text).toContain('There is no option --port. Set PORT in the environment instead.');
});

test('where nothing is installed it exits with 1, and says what to run', async () => {
  await using place = await openPlace(['scripts/start.mjs']);
  const scripts = join(place.directory, 'scripts');
  await mkdir(scripts);
  const needed = [START, PREFLIGHT, join(dirname(PREFLIGHT), 'faster-imports.mjs')];
  await Promise.all(needed.map(async (file) => copyFile(file, join(scripts, basename(file)))));
  const { code, text } = await place.run();
  expect(code).toBe(1);
  expect(text).toContain('Nothing is installed here yet: run `npx -y pnpm@12 install` once');
});
