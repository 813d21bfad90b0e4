/** Starts that meet another one while it initialises, and one that was killed while it did. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { findBinaries, NOBODY } from './binaries.ts';
import { ensureInitialised, openCluster } from './directory.ts';
import { executableBinaries } from './executable-binaries.ts';
import { cleanUp, inAnotherProcess, newDirectory, open, query } from './fixture.ts';
import { waitFor } from './process.ts';

afterEach(cleanUp);

/** The folder in which another start initialises the directory, once it has begun. */
const halfWay = async (directory: string): Promise<string> =>
  (await waitFor(
    () =>
      readdirSync(directory).find(
        (name) => name.startsWith('18.init-') && existsSync(join(directory, name, 'data', 'base')),
      ),
    50_000,
  )) ?? 'none';

const openElsewhere = (directory: string) =>
  inAnotherProcess(`
    const server = await embedded.openEmbedded(${JSON.stringify(directory)}, { label: 'other', onLost() {} });
    console.log(JSON.stringify({ url: server.url() }));
    setInterval(() => {}, 1000);`);

test('a start that was killed while initialising is cleaned up by the next', async () => {
  const directory = newDirectory();
  await mkdir(directory);
  const start = openElsewhere(directory);
  process.kill(Number(/init-(\d+)-/.exec(await halfWay(directory))?.[1]), 'SIGKILL');
  await start;
  expect(readdirSync(directory)).not.toContain('18');

  const server = await open(directory);
  expect(await query(server.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(readdirSync(directory).filter((name) => name.includes('.init-'))).toEqual([]);
});

test('a start that meets another one initialising is refused, and disturbs nothing', async () => {
  const directory = newDirectory();
  await mkdir(directory);
  const start = openElsewhere(directory);
  const folder = await halfWay(directory);
  await expect(open(directory)).rejects.toMatchObject({ fields: { holder: expect.stringMatching(/^other pid \d+$/) } });
  expect(folder).toMatch(/^18\.init-/);
  const { said } = await start;
  expect(await query(String(said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('any number of first starts at once agree on one password and one data directory', async () => {
  const directory = newDirectory();
  const found = await findBinaries();
  const clusters = await Promise.all(
    Array.from({ length: 20 }, async (_, late) => {
      for (let turn = 0; turn < late; turn += 1) await setImmediate();
      return openCluster(directory, found.major);
    }),
  );
  expect(new Set(clusters.map(({ password }) => password)).size).toBe(1);
  const user = process.getuid?.() === 0 ? NOBODY : undefined;
  const binaries = await executableBinaries(found, directory, user);
  await Promise.all(clusters.slice(0, 3).map(async (cluster) => ensureInitialised(cluster, { binaries, user })));
  expect(readdirSync(directory).toSorted()).toEqual(['18', 'password']);
  const server = await open(directory);
  expect(await query(server.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});
