/** What people type: `pnpm drizzle-kit generate` and `migrate`, the binaries themselves, in a copy of this package. */
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import packageJson from '../package.json' with { type: 'json' };
import { openDatabase } from '../src/index.ts';
import { openEmptyDatabase, oldVersions, openOldDatabase } from '../src/testing.ts';
import { fundedSession, say } from './fixtures.ts';
import { namesIn, onDatabase, versionsIn } from './migrations.ts';

// The binary takes seconds to start where the processors are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const LATER = '99.0.0';

/** A copy, of a later version, in which something can be generated. */
let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'timmy-tower-drizzle-kit-'));
  for (const name of ['src', 'migrations', 'drizzle.config.ts']) {
    // oxlint-disable-next-line no-await-in-loop
    await cp(join(PACKAGE, name), join(copy, name), { recursive: true });
  }
  await writeFile(join(copy, 'package.json'), JSON.stringify({ ...packageJson, version: LATER }));
  await symlink(join(PACKAGE, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rm(copy, { recursive: true }));

interface Ended {
  readonly code: number | string;
  readonly output: string;
}

const drizzleKit = (folder: string, command: string, url?: string) =>
  new Promise<Ended>((resolve) => {
    const env = { ...process.env, ...(url === undefined ? {} : { DATABASE_URL: url }) };
    execFile(join(PACKAGE, 'node_modules/.bin/drizzle-kit'), [command], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, output: out + err }),
    );
  });

const migrate = async (url: string, folder = PACKAGE) => {
  const { code, output } = await drizzleKit(folder, 'migrate', url);
  expect([code, output]).toEqual([0, expect.stringContaining('migrations applied')]);
};

const makers = {
  'a fresh database': openEmptyDatabase,
  ...Object.fromEntries(
    oldVersions.map((version) => [`a database that version ${version} left`, () => openOldDatabase(version)]),
  ),
};

describe.each(Object.entries(makers))('on %s', (_what, make) => {
  test('migrate brings the schema up to date; again, or after a server started, there is nothing to do', async () => {
    const { url, close } = await make();
    await migrate(url);
    const versions = await versionsIn(url);
    const { db, close: closePool } = await openDatabase(url);
    await say(db, await fundedSession(db), 'hello', 'hello');
    await migrate(url);
    expect(await versionsIn(url)).toEqual(versions);
    expect(versions).not.toContain(null);
    await closePool();
    await close();
  });

  test('migrate after the server’s own migration changes nothing', async () => {
    const { url, close } = await make();
    await (await openDatabase(url)).close();
    const before = await onDatabase(url, 'SELECT * FROM timmy_tower_migrations');
    await migrate(url);
    expect(await onDatabase(url, 'SELECT * FROM timmy_tower_migrations')).toEqual(before);
    await close();
  });
});

test('migrate says why it refuses a database with tables of others under our names', async () => {
  const { url, close } = await openEmptyDatabase();
  await onDatabase(url, 'CREATE TABLE invoices (id integer)');
  const before = await namesIn(url);
  expect(await drizzleKit(PACKAGE, 'migrate', url)).toEqual({
    code: 1,
    output: expect.stringContaining('did not make them: invoices.'),
  });
  expect(await namesIn(url)).toEqual(before);
  await close();
});

test('generate finds nothing to generate, and writes what a changed schema needs; migrate applies that', async () => {
  const files = () => readdir(join(copy, 'migrations'));
  const before = await files();
  expect(await drizzleKit(copy, 'generate')).toMatchObject({
    code: 0,
    output: expect.stringContaining('No schema changes'),
  });
  expect(await files()).toEqual(before);

  await appendFile(
    join(copy, 'src/schema.ts'),
    `export const notes = pgTable('notes', { id: uuid('id').primaryKey(), note: text('note') });\n`,
  );
  expect(await drizzleKit(copy, 'generate')).toMatchObject({ code: 0 });
  const [generated, ...others] = (await files()).filter((name) => !before.includes(name));
  expect(others).toEqual([]);
  expect(await readFile(join(copy, 'migrations', generated!), 'utf8')).toContain('CREATE TABLE "notes"');

  for (const make of Object.values(makers)) {
    const { url, close } = await make();
    await migrate(url, copy);
    expect(await onDatabase(url, 'SELECT note FROM notes')).toEqual([]);
    await expect(openDatabase(url)).rejects.toThrow(`by a newer version, ${LATER}.`);
    await close();
  }
});
