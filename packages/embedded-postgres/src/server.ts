// Makes a data directory, starts a server in it and stops one. As root both children run as an unprivileged user, which may not be
// able to reach the data directory by its path (a parent of mode 0700). It need not: libuv changes into the working
// directory before it drops root, and on Linux /proc/self/cwd leads there without passing through the parents.
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '@timmy-tower/contract';
import { isServing, readPidFile, signal, waitFor, waitUntilGone } from './process.ts';
import { type PostgresBinaries, runAs, type ServerUser, serverEnvironment } from './binaries.ts';

const run = promisify(execFile);

/** Recovering from a crash replays at most about a gigabyte of log. */
export const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

export interface Place {
  readonly binaries: PostgresBinaries;
  readonly dataDirectory: string;
  readonly user: ServerUser | undefined;
}

/**
 * Makes a new cluster in `folder`, which must not exist yet: the data in `folder/data`. Only the password lets anyone in.
 * The password travels in a file, which is gone afterwards: a command line is there for everyone to read.
 */
export async function initialise(
  place: Omit<Place, 'dataDirectory'> & { folder: string; password: string; durable: boolean },
): Promise<void> {
  const { binaries, folder, user } = place;
  const dataDirectory = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await mkdir(folder, { mode: 0o700 });
  await mkdir(dataDirectory, { mode: 0o700 });
  await writeFile(passwordFile, place.password, { mode: 0o600 });
  if (user) await Promise.all([folder, dataDirectory, passwordFile].map((path) => chown(path, user.uid, user.gid)));
  const options = ['-U', 'postgres', '-A', 'scram-sha-256', '--pwfile=../password', '-E', 'UTF8'];
  const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-locale'];
  // A password that lasts no longer than a run is stretched no further: every connection would pay for it.
  const haste = place.durable ? [] : ['--no-sync', '-c', 'scram_iterations=1'];
  await run(
    binaries.initdb,
    ['-D', pathFor({ dataDirectory, user }), ...options, ...locale, ...haste, '--no-instructions'],
    { ...runAs(user), cwd: dataDirectory, env: serverEnvironment },
  );
  await rm(passwordFile);
}

/**
 * Starts a server on a free loopback port and waits until it accepts connections. It is on its own from then on: in a
 * process group of its own, so that Ctrl-C in a terminal does not reach it, and writing to a file, so that it outlives us.
 * All its processes inherit `pipe`.
 * @throws {AppError} with the end of PostgreSQL's log when it does not come up. It is gone then.
 */
export async function launch(
  place: Place & {
    log: string;
    settings: Readonly<Record<string, string | number>>;
    pipe?: { readonly descriptor: number } | undefined;
  },
): Promise<{ pid: number; port: number }> {
  const { binaries, dataDirectory, user, log, pipe } = place;
  const port = await freePort();
  const settings = { ...place.settings, port, listen_addresses: '127.0.0.1', unix_socket_directories: '' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const output = openSync(log, 'a', 0o600);
  const logStart = statSync(log).size;
  const child = spawn(binaries.postgres, ['-D', pathFor(place), ...flags], {
    ...runAs(user),
    cwd: dataDirectory,
    env: serverEnvironment,
    detached: true,
    stdio: ['ignore', output, output, ...(pipe ? [pipe.descriptor] : [])],
  });
  closeSync(output);
  child.unref();
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, by) => (failure ??= `it ended with ${code ?? by}`));
  const isReady = () => {
    const file = readPidFile(dataDirectory);
    return file?.pid === child.pid && file?.status === 'ready';
  };
  const ready = await waitFor(() => (failure === undefined ? isReady() || undefined : false), START_TIMEOUT_MS);
  if (ready && child.pid !== undefined) return { pid: child.pid, port };
  if (child.pid !== undefined && failure === undefined) {
    signal(child.pid, 'SIGQUIT');
    await waitUntilGone(child.pid, STOP_TIMEOUT_MS);
  }
  const tail = readFileSync(log).subarray(logStart).toString().trimEnd().split('\n').slice(-20).join('\n');
  throw new AppError('unavailable', `PostgreSQL did not start: ${failure ?? 'it took too long'}.\n${tail}`.trimEnd());
}

/**
 * Stops the server that runs in the directory, whoever started it, and resolves once it is gone.
 * SIGINT is PostgreSQL's fast shutdown: it ends its sessions and leaves nothing to recover. SIGQUIT leaves that to the next start.
 * @throws {AppError} `unavailable` when it heeds neither
 */
export async function stopServer({ pid, dataDirectory }: { pid: number; dataDirectory: string }): Promise<void> {
  // It may have died long ago, and its number may be somebody else's by now.
  if (isServing(pid, dataDirectory) === false) return;
  signal(pid, 'SIGINT');
  if (await waitUntilGone(pid, STOP_TIMEOUT_MS)) return;
  signal(pid, 'SIGQUIT');
  if (await waitUntilGone(pid, STOP_TIMEOUT_MS)) return;
  throw new AppError('unavailable', `PostgreSQL (pid ${pid}) does not stop. End it before you start again.`);
}

const pathFor = ({ dataDirectory, user }: Pick<Place, 'dataDirectory' | 'user'>): string =>
  user && process.platform === 'linux' ? '/proc/self/cwd' : dataDirectory;

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
  });
  return promise;
}
