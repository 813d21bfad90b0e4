/** The database of a trial, with a way past the server: for looking inside, for shortening what takes long, and for crashes. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { type EmbeddedPostgres, openEmbedded } from '@timmy-tower/embedded-postgres';
import pg from 'pg';

import { openDatabaseProxy } from './database-proxy.ts';

const PATIENCE_MS = 10_000;

export interface TrialDatabase extends AsyncDisposable {
  readonly url: string;
  /** The same past the address that outlives a crash: nothing of this process stands in between. */
  readonly directUrl: string;
  /** Waits for a database that is down. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Kills PostgreSQL, all its processes at once. Resolves once they are gone. */
  crash(): Promise<void>;
  /** Starts it again on what it left on the disk. */
  restart(): Promise<void>;
}

/** One that somebody else looks after: it cannot be crashed. */
export function useDatabase(url: string): TrialDatabase {
  const refuse = async () => {
    throw new Error('This database is not the trial’s own to crash');
  };
  return { ...openWindow(url), url, directUrl: url, crash: refuse, restart: refuse };
}

/** A durable PostgreSQL in `directory`: fsync, synchronous commit and full-page writes are on. */
export async function openDurableDatabase(directory: string): Promise<TrialDatabase> {
  await using opening = new AsyncDisposableStack();
  const proxy = opening.use(await openDatabaseProxy());
  let postgres: EmbeddedPostgres | undefined;
  const start = async () => {
    postgres = await openEmbedded(directory, { label: 'trial', onLost: () => {} });
    proxy.target = postgres.port;
    return postgres.url();
  };
  opening.defer(async () => postgres?.stop());
  const directUrl = await start();
  const url = new URL(directUrl);
  url.port = String(proxy.port);
  const window = openWindow(url.href);
  opening.defer(() => window[Symbol.asyncDispose]());
  const opened = opening.move();
  return {
    ...window,
    url: url.href,
    directUrl,
    async crash() {
      if (!postgres) return;
      const { pid } = postgres;
      postgres = undefined;
      await killAll(pid);
      proxy.target = undefined;
    },
    async restart() {
      await start();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openWindow(url: string): Pick<TrialDatabase, 'query' | typeof Symbol.asyncDispose> {
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'trial' });
  pool.on('error', () => {}); // the next query takes another connection
  pool.on('connect', (client) => client.on('error', () => {})); // and at the end one may be closed before it has ended
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        try {
          const { rows } = await pool.query<Row & pg.QueryResultRow>(text, [...values]);
          return rows;
        } catch (error) {
          if (!isOutage(error) || performance.now() > deadline) throw error;
        }
        await delay(20);
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** Connections break and are refused while PostgreSQL is down, starts or stops (SQLSTATE class 57). */
const isOutage = (error: unknown) => !(error instanceof pg.DatabaseError) || error.code?.startsWith('57') === true;

/** The postmaster and its children, of which each has a process group of its own. */
async function killAll(postmaster: number): Promise<void> {
  const processes = [postmaster, ...childrenOf(postmaster)];
  for (const pid of processes) killIfThere(pid);
  while (processes.some(isRunning)) {
    await delay(5);
  }
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statOf(pid)?.parent === parent);
}

const isRunning = (pid: number) => (statOf(pid)?.state ?? 'Z') !== 'Z';

/** proc_pid_stat(5): the name in parentheses may hold anything, so it is cut off first. */
function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [state = '', parent = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
