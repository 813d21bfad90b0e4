/** The PostgreSQL that is measured on: a durable one of our own in a temporary directory, or the one that is given. */
import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Database, openDatabase } from '@timmy-tower/db';
import { openEmbedded } from '@timmy-tower/embedded-postgres';
import pg from 'pg';

import { temporaryDirectory } from './temporary-directory.ts';

const TMPFS = 0x01_02_19_94; // statfs(2)

/** As the server itself opens it. */
export const POOL_SIZE = 10;

export interface BenchDatabase extends AsyncDisposable {
  readonly url: string;
  /** The product's way in: a pool of its own. */
  readonly db: Database;
  /** The floor's way in: a pool of the same size. */
  readonly bare: pg.Pool;
}

export interface DatabaseOptions {
  /** false: commits do not wait for the disk, so that what else a turn costs can be seen. */
  readonly waitForDisk?: boolean;
}

export interface BenchServer extends AsyncDisposable {
  readonly version: string;
  /** Where commits wait for the disk. */
  readonly durability: string;
  /** A new, migrated database, dropped when disposed of. */
  openDatabase(name: string, options?: DatabaseOptions): Promise<BenchDatabase>;
  /** The same, dropped with the server. */
  keepDatabase(name: string): Promise<BenchDatabase>;
}

/**
 * A connection for the floor's reads, whose named statements are planned once and for all. Left to itself, PostgreSQL plans
 * the bare window anew with each call once the table is large (its custom plan looks cheaper than it is): no floor at all.
 */
export async function connectForReads(pool: pg.Pool): Promise<pg.PoolClient> {
  const client = await pool.connect();
  await client.query('SET plan_cache_mode = force_generic_plan');
  return client;
}

/** @param url of any database on the server, which must let us create others; unset: a server of our own */
export async function openBenchServer(url: string | undefined): Promise<BenchServer> {
  await using opening = new AsyncDisposableStack();
  const serverUrl = url ?? (await startOwnServer(opening));
  const admin = openPool(serverUrl, 1);
  opening.defer(() => admin.end());
  const run = `timmy_bench_${randomBytes(4).toString('hex')}`;
  const description = await describe(admin);
  const opened = opening.move();

  const open = async (name: string, { waitForDisk = true }: DatabaseOptions = {}): Promise<BenchDatabase> => {
    const database = `${run}_${name}`;
    await admin.query(`CREATE DATABASE ${database}`);
    const databaseUrl = new URL(serverUrl);
    databaseUrl.pathname = `/${database}`;
    if (!waitForDisk) databaseUrl.searchParams.set('options', '-c synchronous_commit=off');
    const { db, close } = await openDatabase(databaseUrl.href, { poolSize: POOL_SIZE });
    const bare = openPool(databaseUrl.href, POOL_SIZE);
    return {
      url: databaseUrl.href,
      db,
      bare,
      async [Symbol.asyncDispose]() {
        await Promise.all([close(), bare.end()]);
        await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      },
    };
  };
  return {
    ...description,
    openDatabase: open,
    keepDatabase: async (name) => opened.use(await open(name)),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', () => {}); // an idle connection that is lost when the server stops
  return pool;
}

async function startOwnServer(opening: AsyncDisposableStack): Promise<string> {
  const { path } = opening.use(await temporaryDirectory());
  if ((await statfs(path)).type === TMPFS) {
    console.error(`${tmpdir()} is in memory, where commits wait for nothing: set TMPDIR to a folder on a disk.`);
  }
  const embedded = await openEmbedded(join(path, 'postgres'), {
    label: 'timmy-tower bench',
    onLost: (cause) => {
      throw cause;
    },
  });
  opening.defer(() => embedded.stop());
  return embedded.url();
}

async function describe(admin: pg.Pool): Promise<Pick<BenchServer, 'version' | 'durability'>> {
  const { rows } = await admin.query<{ version: string; durability: string }>(`
    SELECT current_setting('server_version') AS version,
           format('fsync %s, synchronous_commit %s, shared_buffers %s', current_setting('fsync'),
                  current_setting('synchronous_commit'), current_setting('shared_buffers')) AS durability`);
  return rows[0]!;
}
