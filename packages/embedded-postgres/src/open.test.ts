import { existsSync, readFileSync, statSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import {
  cleanUp,
  firstLine,
  initialisedDirectory,
  newDirectory,
  open,
  removeTemplate,
  run,
  inAnotherProcess,
  kill,
  killServer,
  query,
  temporaryFolder,
} from './fixture.ts';
import { exists, isRunning, waitUntilGone } from './process.ts';
import { findBinaries, NOBODY } from './binaries.ts';

const isRoot = process.getuid?.() === 0;

// Every one syncs to disk, several times over: a slow disk takes its time.
vi.setConfig({ testTimeout: 60_000 });
afterEach(cleanUp);
afterAll(removeTemplate);

const settingsOf = async (url: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await query(url, 'SELECT name, setting FROM pg_settings')).map(({ name, setting }) => [String(name), setting]),
  );

const durable = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  autovacuum: 'on',
  data_checksums: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
};

test('the data is durable, whatever the configuration files say', async () => {
  const directory = newDirectory();
  const first = await open(directory);
  expect(await settingsOf(first.url())).toMatchObject(durable);
  expect(
    await query(
      first.url(),
      'SELECT DISTINCT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database',
    ),
  ).toEqual([{ datlocprovider: 'b', datlocale: 'C.UTF-8', pg_encoding_to_char: 'UTF8' }]);
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum']) {
    await query(first.url(), `ALTER SYSTEM SET ${name} = off`);
  }
  await query(first.url(), 'CREATE TABLE kept ()');
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);

  const second = await open(directory);
  expect(await settingsOf(second.url())).toMatchObject(durable);
  expect(await query(second.url(), 'SELECT count(*)::int FROM kept')).toEqual([{ count: 0 }]);
  expect(readFileSync(join(directory, 'postgres.log'), 'utf8')).not.toContain('not properly shut down');
});

test('only the password lets anyone in, and it is for its owner to read', async () => {
  const directory = await initialisedDirectory();
  const server = await open(directory);
  const password = readFileSync(join(directory, 'password'), 'utf8');
  expect(password.length).toBeGreaterThanOrEqual(40);
  expect(server.url('x/y')).toBe(`postgres://postgres:${password}@127.0.0.1:${server.port}/x%2Fy`);
  for (const name of ['password', 'postgres.log']) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);

  await expect(query(server.url().replace(password, 'guess'), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  expect(await query(server.url(), 'SELECT DISTINCT auth_method FROM pg_hba_file_rules')).toEqual([
    { auth_method: 'scram-sha-256' },
  ]);
  const traces = [join(directory, 'postgres.log'), join(directory, '18', 'postmaster.opts')];
  for (const path of traces) expect(readFileSync(path, 'utf8')).not.toContain(password);
});

test('statements and values stay out of the log', async () => {
  const directory = await initialisedDirectory();
  const server = await open(directory);
  await query(server.url(), 'CREATE TABLE said (what text UNIQUE)');
  await query(server.url(), `INSERT INTO said VALUES ('a secret')`);
  await expect(query(server.url(), `INSERT INTO said VALUES ('a secret')`)).rejects.toMatchObject({ code: '23505' });
  const log = readFileSync(join(directory, 'postgres.log'), 'utf8');
  expect(log).toContain('said_what_key');
  expect(log).not.toContain('a secret');
});

test.runIf(process.platform === 'linux')('Ctrl-C in a terminal does not reach it', async () => {
  const { pid } = await open(await initialisedDirectory());
  const [, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  expect(Number(group)).toBe(pid);
});

test('a server whose owner was killed is adopted with its data', async () => {
  const directory = await initialisedDirectory();
  const owner = await inAnotherProcess(`
    const server = await embedded.openEmbedded(${JSON.stringify(directory)}, { label: 'other', onLost() {} });
    console.log(JSON.stringify({ pid: server.pid, url: server.url() }));
    setInterval(() => {}, 1000);`);
  await query(String(owner.said['url']), 'CREATE TABLE kept AS SELECT 42 AS answer');
  await kill(owner.child);

  const server = await open(directory);
  expect(server).toMatchObject({ adopted: true, pid: owner.said['pid'] });
  expect(await query(server.url(), 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  await server.stop();
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
  expect(existsSync(join(directory, '18', 'postmaster.pid'))).toBe(false);
});

test('what was committed survives when PostgreSQL itself is killed', async () => {
  const directory = await initialisedDirectory();
  const first = await open(directory);
  await query(first.url(), 'CREATE TABLE kept AS SELECT 42 AS answer');
  await killServer(first.dataDirectory);

  const second = await open(directory);
  expect(second.adopted).toBe(false);
  expect(await query(second.url(), 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  await first.stop();
  expect(isRunning(second.pid), 'who stops a dead server stops nobody else').toBe(true);
});

test.runIf(process.platform === 'linux')('a zombie is as good as gone', async () => {
  // Its parent turns into a program that does not wait for it.
  const pid = Number(await firstLine(run('/bin/sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 1000'])));
  expect(await waitUntilGone(pid, 10_000)).toBe(true);
  expect(exists(pid)).toBe(true);
});

test('a failed start shows what PostgreSQL said, and no secret', async () => {
  const directory = await initialisedDirectory();
  const server = await open(directory);
  await server.stop();
  await appendFile(join(server.dataDirectory, 'postgresql.conf'), 'no_such_setting = 1\n');
  const error: unknown = await open(directory).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('no_such_setting') });
  expect(String(error)).not.toContain(await readFile(join(directory, 'password'), 'utf8'));
});

test('the log does not grow for ever', async () => {
  const directory = await initialisedDirectory();
  await writeFile(join(directory, 'postgres.log'), 'x'.repeat(1_000_001));
  await open(directory);
  expect(statSync(join(directory, 'postgres.log')).size).toBeLessThan(10_000);
  expect(statSync(join(directory, 'postgres.log.1')).size).toBe(1_000_001);
});

test('a platform without binaries is told to set DATABASE_URL', async () => {
  await expect(findBinaries('plan9-mips')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/plan9-mips.*DATABASE_URL/s),
  });
});

test.runIf(isRoot)(
  "root starts it as the directory's owner, known to this system or not, behind closed parents",
  async () => {
    const parent = temporaryFolder();
    await chmod(parent, 0o700);
    const directory = join(parent, 'postgres');
    await mkdir(directory, { mode: 0o700 });
    await chown(directory, 54_321, 54_321);
    const first = await open(directory);
    await query(first.url(), 'CREATE TABLE kept AS SELECT 42 AS answer');
    expect(statSync(`/proc/${first.pid}`).uid).toBe(54_321);
    for (const name of ['18', 'password', 'postgres.log']) expect(statSync(join(directory, name)).uid).toBe(54_321);
    await first.stop();
    const second = await open(directory);
    expect(await query(second.url(), 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  },
);

test.runIf(isRoot)('root starts it as nobody where root owns the directory', async () => {
  const { pid } = await open(await initialisedDirectory());
  expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY.uid);
});
