// Finds the server that runs in our data directory already: a killed run's, or that of a start which was quicker.
// A `postmaster.pid` is a claim by whoever wrote it, before a crash, a reboot or a copy of the folder, or in another pid
// namespace at this moment: nothing is adopted or signalled on its word alone, and nothing cleared away but by who claimed
// the directory.
import { randomUUID } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { Client } from 'pg';
import type { Cluster } from './directory.ts';
import { codeOf, exists, isServing, type PidFile, readPidFile } from './process.ts';
import { START_TIMEOUT_MS } from './server.ts';
import { serverUrl } from './types.ts';

/** Waits for a server that is just starting or stopping. Undefined: none runs here that we could see. */
export async function findRunning(cluster: Cluster): Promise<{ pid: number; port: number } | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const file = readPidFile(cluster.dataDirectory);
    if (!file) return undefined;
    const serving = isServing(file.pid, cluster.dataDirectory);
    if (serving === false) return undefined;
    const answer = file.status === 'ready' ? await ask(file.port, cluster) : 'unreachable';
    if (answer === 'ours') return { pid: file.pid, port: file.port };
    // Where the system cannot say which directory a process serves, the server's own word decides.
    if (answer === 'not-ours' && serving === undefined) return undefined;
    if (answer === 'not-ours' || answer === 'refused') throw unusable(file, cluster);
    if (Date.now() > deadline) throw unusable(file, cluster);
    await delay(25);
  }
}

/**
 * Takes a stale `postmaster.pid` out of a new server's way, which does not start while the process that it names exists,
 * whatever that process is by now. For who claimed the directory and found no server in it.
 */
export async function clearPidFile(dataDirectory: string): Promise<void> {
  const file = readPidFile(dataDirectory);
  if (file && exists(file.pid)) await removePidFile(dataDirectory, file);
}

/**
 * Whether the server at `url` works in this directory and not in a copy of it (same password, same settings, the original's
 * `postmaster.pid`): it must see a file that was made a moment ago.
 */
export async function seesDirectory(url: string, dataDirectory: string): Promise<boolean> {
  const nonce = `timmy-tower-${randomUUID()}`;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => {}); // the query rejects as well
  await writeFile(join(dataDirectory, nonce), '', { flag: 'wx' });
  try {
    await client.connect();
    const { rows } = await client.query<{ seen: boolean }>(
      'SELECT (pg_stat_file($1, true)).isdir IS NOT NULL AS seen',
      [nonce],
    );
    return rows[0]?.seen === true;
  } finally {
    await rm(join(dataDirectory, nonce), { force: true });
    await client.end().catch(() => {});
  }
}

async function ask(port: number, cluster: Cluster): Promise<'ours' | 'not-ours' | 'refused' | 'unreachable'> {
  const url = serverUrl({ port, password: cluster.password, database: undefined });
  try {
    return (await seesDirectory(url, cluster.dataDirectory)) ? 'ours' : 'not-ours';
  } catch (error) {
    return codeOf(error) === '28P01' ? 'refused' : 'unreachable';
  }
}

const unusable = (file: PidFile, { directory, dataDirectory }: Cluster): AppError =>
  new AppError(
    'unavailable',
    `A PostgreSQL (pid ${file.pid}, port ${file.port}) runs in ${dataDirectory} but cannot be used: it does not answer, ` +
      `or its password is not the one in ${join(directory, 'password')}.`,
    { fields: { pid: file.pid, port: file.port } },
  );

/** A server may replace the file after we judged it: what is taken away is looked at again, and put back. */
export async function removePidFile(dataDirectory: string, judged: PidFile): Promise<void> {
  const path = join(dataDirectory, 'postmaster.pid');
  const name = `postmaster.pid.stale-${randomUUID()}`;
  const aside = join(dataDirectory, name);
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readPidFile(dataDirectory, name)?.pid !== judged.pid) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
