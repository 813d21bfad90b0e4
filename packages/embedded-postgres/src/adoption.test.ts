import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { findRunning, removePidFile, seesDirectory } from './adoption.ts';
import { NOBODY } from './binaries.ts';
import { openCluster } from './directory.ts';
import {
  cleanUp,
  initialisedDirectory,
  killServer,
  newDirectory,
  open,
  otherProgram,
  query,
  removeTemplate,
  temporaryFolder,
} from './fixture.ts';
import { isRunning } from './process.ts';

// Every one syncs to disk, several times over: a slow disk takes its time.
vi.setConfig({ testTimeout: 60_000 });
afterEach(cleanUp);
afterAll(removeTemplate);

test('a stale pid file that names some other program is not in the way, and the program is left alone', async () => {
  const directory = await initialisedDirectory();
  const first = await open(directory);
  const pidFile = join(first.dataDirectory, 'postmaster.pid');
  const text = readFileSync(pidFile, 'utf8');
  await killServer(first.dataDirectory);
  const program = otherProgram(process.getuid?.() === 0 ? NOBODY : undefined);
  await writeFile(pidFile, text.replace(String(first.pid), String(program.pid)));

  const second = await open(directory);
  expect(second.adopted).toBe(false);
  await second.stop();
  expect(program.exitCode ?? program.signalCode).toBeNull();
  expect(readdirSync(first.dataDirectory).filter((name) => /stale|timmy/.test(name))).toEqual([]);
});

test('a copied directory is not mistaken for the original, whose server runs on', async () => {
  const directory = await initialisedDirectory();
  const copy = newDirectory();
  const original = await open(directory);
  await query(original.url(), 'CREATE TABLE kept AS SELECT 42 AS answer');
  await query(original.url(), 'CHECKPOINT');
  cpSync(directory, copy, { recursive: true, filter: (path) => !/alive\.[^/]*$/.test(path) });

  expect(await seesDirectory(original.url(), original.dataDirectory)).toBe(true);
  expect(await seesDirectory(original.url(), join(copy, '18'))).toBe(false);
  const other = await open(copy);
  expect(other.adopted).toBe(false);
  expect(other.pid).not.toBe(original.pid);
  expect(await query(other.url(), 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  await other.stop();
  expect(await query(original.url(), 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
});

test('a running server that does not know the password is neither adopted nor disturbed', async () => {
  const directory = await initialisedDirectory();
  const server = await open(directory);
  await writeFile(join(directory, 'password'), 'another');
  await expect(open(directory)).rejects.toMatchObject({ fields: { pid: server.pid, port: server.port } });
  expect(isRunning(server.pid)).toBe(true);
  expect(existsSync(join(server.dataDirectory, 'postmaster.pid'))).toBe(true);
});

test('a start that only looks leaves a pid file alone: it may be that of a server that cannot be seen from here', async () => {
  const cluster = await openCluster(newDirectory(), '18');
  await mkdir(cluster.dataDirectory);
  const path = join(cluster.dataDirectory, 'postmaster.pid');
  const text = `${otherProgram(undefined).pid}\n/data\n0\n2\n\n127.0.0.1\n\nready\n`;
  await writeFile(path, text);
  expect(await findRunning(cluster)).toBeUndefined();
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a stale pid file is looked at again before it goes', async () => {
  const folder = temporaryFolder();
  const stale = { pid: 4711, port: 1, status: 'ready' } as const;
  const replaced = '4712\n/data\n0\n2\n\n127.0.0.1\n\nready\n';
  await writeFile(join(folder, 'postmaster.pid'), replaced);
  await removePidFile(folder, stale);
  expect(readFileSync(join(folder, 'postmaster.pid'), 'utf8')).toBe(replaced);
  expect(readdirSync(folder)).toEqual(['postmaster.pid']);

  await removePidFile(folder, { ...stale, pid: 4712 });
  expect(readdirSync(folder)).toEqual([]);
});
