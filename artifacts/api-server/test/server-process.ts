/** The real server as a process of its own, to be called and to be hurt. Whatever a test does to it, nothing is left running. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from './harness.ts';

export const PREFLIGHT = fileURLToPath(new URL('../../../scripts/preflight.mjs', import.meta.url));
export const START = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url));
export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** What Node makes of the sources, kept: it saves each start a good half second. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/timmy-tower-tests', import.meta.url));
const START_MS = 50_000;

export type Environment = Readonly<Record<string, string>>;

/** An empty working directory: where a server keeps its wallet, and its PostgreSQL when it is given none. */
export interface Place extends AsyncDisposable {
  readonly directory: string;
  /** The PostgreSQL that runs here, if one does. */
  postgresPid(): number | undefined;
  /** Starts a server here and waits until it says where it listens. @throws {Error} with its output when it ends instead */
  start(env?: Environment): Promise<ServerProcess>;
  /** Starts a server here that is expected to end by itself, or another command. */
  run(env?: Environment, parameters?: readonly string[]): Promise<EndedProcess>;
  /** Begins to start a server here, and does not wait. */
  begin(env?: Environment): Omit<ServerProcess, 'url'>;
}

export interface Output {
  stdout: string;
  stderr: string;
}

export interface EndedProcess extends Output {
  readonly code: number | null;
  /** All that it printed. */
  readonly text: string;
}

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  readonly output: Output;
  /** Its log so far, a line each. @throws {SyntaxError} when a line is not JSON */
  log(): LogLine[];
  signal(name: NodeJS.Signals): void;
  /** SIGKILL: gone at once, whatever it was doing. */
  kill(): Promise<void>;
  /** Resolves when it has ended, with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const running = new Set<ChildProcess>();
const openPlaces = new Set<Place>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** For the end of a test file: a test that runs out of time leaves what it opened. */
export async function closePlaces(): Promise<void> {
  await Promise.all([...openPlaces].map((place) => place[Symbol.asyncDispose]()));
}

const SERVER = ['--import', PREFLIGHT, MAIN];

/** `program`: what Node is told to run here. */
export async function openPlace(program: readonly string[] = SERVER): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-process-'));
  await chmod(directory, 0o755); // as root, PostgreSQL runs as somebody else
  const children = new Set<ChildProcess>();
  const launch = (env: Environment, parameters: readonly string[] = []) => {
    const child = launchServer(directory, env, [...program, ...parameters]);
    children.add(child.process);
    return child;
  };
  const postgresPid = () => findPostgres(join(directory, '.data', 'postgres', '18'));
  const place: Place = {
    directory,
    postgresPid,
    async start(env = {}) {
      const server = launch(env);
      const url = await Promise.race([server.url, server.ended.then(() => undefined)]);
      if (url === undefined) throw new Error(`the server ended: ${server.output.stdout}${server.output.stderr}`);
      return { ...server, url };
    },
    begin: (env = {}) => launch(env),
    async run(env = {}, parameters = []) {
      const { output, ended, process: child } = launch(env, parameters);
      const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
      const code = await ended;
      clearTimeout(timer);
      return { ...output, code, text: output.stdout + output.stderr };
    },
    async [Symbol.asyncDispose]() {
      openPlaces.delete(place);
      await Promise.all([...children].map(killAndWait));
      const postgres = postgresPid();
      if (postgres !== undefined) process.kill(postgres, 'SIGQUIT');
      await until(() => postgresPid() === undefined);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  openPlaces.add(place);
  return place;
}

function launchServer(directory: string, env: Environment, parameters: readonly string[]) {
  const { PATH = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, parameters, {
    cwd: directory,
    env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), NODE_COMPILE_CACHE: COMPILE_CACHE, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const output: Output = { stdout: '', stderr: '' };
  const url = Promise.withResolvers<string>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    const found = /running at (http:\S+)[\s\S]*Ctrl-C/.exec(output.stdout)?.[1];
    if (found) url.resolve(found);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, 'close').then((): number | null => {
    running.delete(child);
    return child.exitCode;
  });
  return {
    process: child,
    pid: child.pid!,
    output,
    url: url.promise,
    ended,
    log: () => output.stderr.split('\n').filter(Boolean).map(readLogLine),
    signal: (name: NodeJS.Signals) => void child.kill(name),
    kill: () => killAndWait(child),
  };
}

function readLogLine(text: string): LogLine {
  const line: LogLine = JSON.parse(text);
  return line;
}

async function killAndWait(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Its own file names it, but may be left over: it must be a PostgreSQL that works in this very directory. */
function findPostgres(dataDirectory: string): number | undefined {
  const pidFile = join(dataDirectory, 'postmaster.pid');
  if (!existsSync(pidFile)) return undefined;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  return isServing(pid, dataDirectory) ? pid : undefined;
}

function isServing(pid: number, dataDirectory: string): boolean {
  if (process.platform !== 'linux') return isRunning(pid);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory;
  } catch {
    return false;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
