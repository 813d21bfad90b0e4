// For the tests of the embedded PostgreSQL: folders and processes that are gone when a test is over.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { removeCopies } from './executable-binaries.ts';
import { openEmbedded } from './open.ts';
import type { EmbeddedPostgres } from './types.ts';
import { isServing, readPidFile, signal, waitUntilGone } from './process.ts';
import { runAs, type ServerUser } from './binaries.ts';

const folders: string[] = [];
const children: ChildProcess[] = [];
let template: Promise<string> | undefined;

/** Opens the directory in this process. */
export const open = async (directory: string): Promise<EmbeddedPostgres> =>
  openEmbedded(directory, { label: 'test', onLost() {} });

/** Where no database has been yet. */
export const newDirectory = (): string => join(temporaryFolder(), 'postgres');

/** A copy of a database that was initialised once and stopped: a second quicker than a new one. */
export async function initialisedDirectory(): Promise<string> {
  const directory = newDirectory();
  cpSync(await (template ??= makeTemplate()), directory, { recursive: true });
  return directory;
}

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'timmy-tower-embedded-test-'));
  const directory = join(folder, 'postgres');
  await (await open(directory)).stop();
  return directory;
}

/** For the end of a test file. */
export async function removeTemplate(): Promise<void> {
  if (template) rmSync(dirname(await template), { recursive: true, force: true });
  template = undefined;
}

/** A new folder that only its owner may look into. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'timmy-tower-embedded-test-'));
  folders.push(folder);
  return folder;
}

/** Ends what the test started, the servers in its folders too, and removes the folders and what was copied for them. */
export async function cleanUp(): Promise<void> {
  for (const child of children.splice(0)) await kill(child);
  for (const folder of folders.splice(0).toReversed()) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('postmaster.pid')) await killServer(dirname(join(folder, name)));
    }
    if (existsSync(join(folder, 'postgres'))) await removeCopies(join(folder, 'postgres'));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** As a crash of PostgreSQL would. */
export async function killServer(dataDirectory: string): Promise<void> {
  const pid = readPidFile(dataDirectory)?.pid;
  if (pid === undefined || !isServing(pid, dataDirectory)) return;
  signal(pid, 'SIGKILL');
  await waitUntilGone(pid, 10_000);
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

export interface OtherProcess {
  readonly child: ChildProcess;
  /** The first line it printed, as JSON. */
  readonly said: Record<string, unknown>;
}

/** Runs module code in a process of its own until it prints a line. `embedded` holds the functions under test. */
export async function inAnotherProcess(code: string): Promise<OtherProcess> {
  const child = runNode(withEmbedded(code));
  return { child, said: JSON.parse((await firstLine(child)) ?? '{}') };
}

export function withEmbedded(code: string): string {
  const modules = ['./open.ts', './throwaway.ts'].map((name) => new URL(name, import.meta.url).href);
  return `const embedded = { ${modules.map((module) => `...(await import('${module}'))`).join(', ')} };\n${code}`;
}

/** Any program but PostgreSQL: one that everybody can reach, which Node in a closed checkout is not. */
export const otherProgram = (user: ServerUser | undefined): ChildProcess => run('/bin/sleep', ['1000'], user);

export const runNode = (code: string): ChildProcess => run(process.execPath, ['--input-type=module', '-e', code]);

/** A process that is gone when the test is over. */
export function run(command: string, parameters: string[], user?: ServerUser): ChildProcess {
  const child = spawn(command, parameters, { ...runAs(user), cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** The first line that the process prints; undefined if it ends without one. */
export async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  if (stdout) for await (const line of createInterface(stdout)) return line;
  return undefined;
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
