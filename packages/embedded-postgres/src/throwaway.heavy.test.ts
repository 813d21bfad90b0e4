import { once } from 'node:events';
import { cpSync, existsSync, statSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makePipe } from './alive-pipe.ts';
import { executableBinaries, removeCopies } from './executable-binaries.ts';
import { cleanUp, inAnotherProcess, kill, query, run, temporaryFolder } from './fixture.ts';
import { isRunning, waitUntilGone } from './process.ts';
import { removeOrphans, startThrowawayPostgres } from './throwaway.ts';
import { canExecute, findBinaries, NOBODY } from './binaries.ts';

// Others start and clear away their own where temporary files usually are, while these look at theirs.
beforeEach(async () => {
  const folder = temporaryFolder();
  await chmod(folder, 0o755);
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cleanUp();
});

test('a throw-away server is quick rather than durable, and leaves nothing', async () => {
  const server = await startThrowawayPostgres();
  const rows = await query(
    server.url(),
    `SELECT name, setting FROM pg_settings WHERE name IN
     ('fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum', 'max_connections') ORDER BY name`,
  );
  expect(rows.map(({ setting }) => setting)).toEqual(['off', 'off', 'off', '200', 'off']);
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
  expect(existsSync(dirname(dirname(server.dataDirectory)))).toBe(false);
});

const startAndThen = (last: string) => `
  const server = await embedded.startThrowawayPostgres();
  console.log(JSON.stringify({ pid: server.pid, dataDirectory: server.dataDirectory }));
  ${last}`;

test('one whose owner was killed is removed by the next, one whose owner lives is not', async () => {
  const killed = await inAnotherProcess(startAndThen('setInterval(() => {}, 1000)'));
  const alive = await startThrowawayPostgres();
  await kill(killed.child);
  expect(isRunning(Number(killed.said['pid']))).toBe(true);

  const next = await startThrowawayPostgres();
  expect(isRunning(Number(killed.said['pid']))).toBe(false);
  expect(existsSync(String(killed.said['dataDirectory']))).toBe(false);
  expect(await query(alive.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await Promise.all([next.stop(), alive.stop()]);
});

test('one whose owner lives where its number says nothing is not removed', async () => {
  const temporary = temporaryFolder();
  const directory = join(temporary, `timmy-tower-throwaway-${await endedProcess()}-elsewhere`);
  await mkdir(directory);
  const pipe = await makePipe(directory);
  await removeOrphans(temporary);
  expect(existsSync(directory)).toBe(true);
  pipe?.close();
  await removeOrphans(temporary);
  expect(existsSync(directory)).toBe(false);
});

/** A number that nobody has. */
async function endedProcess(): Promise<number> {
  const child = run('/bin/sh', ['-c', 'exit']);
  if (child.exitCode === null) await once(child, 'exit');
  return child.pid!;
}

test('one whose owner exits without stopping it goes with its owner', async () => {
  const { child, said } = await inAnotherProcess(startAndThen('process.exit(1)'));
  if (child.exitCode === null) await once(child, 'exit');
  expect(await waitUntilGone(Number(said['pid']), 10_000)).toBe(true);
  await (await startThrowawayPostgres()).stop();
  expect(existsSync(String(said['dataDirectory']))).toBe(false);
});

test.runIf(process.getuid?.() === 0)('binaries that nobody can reach are copied once for each directory', async () => {
  const closed = temporaryFolder();
  const found = await findBinaries();
  cpSync(dirname(dirname(found.postgres)), join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
  const hidden = { ...found, postgres: join(closed, 'native/bin/postgres'), initdb: join(closed, 'native/bin/initdb') };
  expect(await canExecute(hidden, NOBODY)).toBe(false);
  const [directory, other] = [join(closed, 'one'), join(closed, 'two')];
  await Promise.all([mkdir(directory), mkdir(other)]);

  const umask = process.umask(0o077);
  const copy = await executableBinaries(hidden, directory, NOBODY).finally(() => process.umask(umask));
  expect(await canExecute(copy, NOBODY)).toBe(true);
  expect(statSync(copy.postgres)).toMatchObject({ uid: 0, mode: 0o100755 });
  expect(await executableBinaries(hidden, directory, NOBODY)).toEqual(copy);
  const others = await executableBinaries(hidden, other, NOBODY);
  expect(others.postgres).not.toBe(copy.postgres);

  await removeCopies(directory);
  expect(existsSync(copy.postgres)).toBe(false);
  expect(existsSync(others.postgres)).toBe(true);
  await chmod(dirname(dirname(dirname(others.postgres))), 0o777);
  expect((await executableBinaries(hidden, other, NOBODY)).postgres, 'one that others may write').not.toBe(
    others.postgres,
  );
  await chmod(dirname(dirname(dirname(others.postgres))), 0o755);
  await removeCopies(other);
  expect(existsSync(others.postgres)).toBe(false);
});
