import { fileURLToPath } from 'node:url';

import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';

import { connectionConfig, type ConnectionOptions, NO_LIMIT_SETTINGS, type Settings } from './connection.ts';
import { inspectDatabase } from './inspect-database.ts';
import { toAppError, unavailable } from './pg-error.ts';
import type { Database } from './transaction.ts';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));
/** The advisory lock that migrations run under: any number, as long as nobody else takes it. */
const MIGRATION_LOCK = 7_466_900_001;

export interface OpenOptions extends ConnectionOptions {
  /** Connections at most; `leaseDb` has one more. */
  readonly poolSize?: number;
  /** Called when an idle connection is lost; the pool opens a new one by itself. */
  readonly onConnectionLost?: (error: Error) => void;
  /** Called by `openDatabase` with what an operator should know of the database: a setting to change, and how. */
  readonly onWarning?: (warning: string) => void;
}

export interface OpenedDatabase {
  readonly db: Database;
  /** The same database on one connection of its own, kept open: for what must not wait until others have finished. */
  readonly leaseDb: Database;
  readonly close: () => Promise<void>;
}

/**
 * Opens a pool on `url` (`postgres://…`) and brings the schema up to date, under a lock: any number of servers may start at once.
 * @throws {AppError} `unavailable` when the database cannot be reached, or is set in a way that does not work
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenedDatabase> {
  const { settings, warnings } = await inspectDatabase(url, options);
  for (const warning of warnings) options.onWarning?.(warning);
  await migrateDatabase(url, options);
  return connect(url, options, settings);
}

/** Pools on `url`, without looking at the database. Nothing is opened before the first statement. */
export function connect(url: string, options: OpenOptions = {}, settings: Settings = {}): OpenedDatabase {
  const config = connectionConfig(url, options, settings);
  const pool = openPool({ ...config, max: options.poolSize ?? 10 }, options);
  const leasePool = openPool({ ...config, max: 1, idleTimeoutMillis: 0 }, options);
  return {
    db: drizzle(pool),
    leaseDb: drizzle(leasePool),
    close: async () => void (await Promise.all([pool.end(), leasePool.end()])),
  };
}

function openPool(config: pg.PoolConfig, { onConnectionLost }: OpenOptions): pg.Pool {
  const pool = new pg.Pool(config);
  // Without these listeners a connection that breaks would end the process. In use, its statement says so; idle, nobody does.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) => onConnectionLost?.(error));
  return pool;
}

/** Resolves when the database answers. @throws {AppError} `unavailable` when it does not */
export async function checkDatabase(db: Database): Promise<void> {
  try {
    await db.execute(sql`SELECT 1`);
  } catch (error) {
    throw toAppError(error);
  }
}

/** On a connection of its own: a migration may take longer than any other statement. */
async function migrateDatabase(url: string, { pooler }: ConnectionOptions): Promise<void> {
  const client = new pg.Client({ ...connectionConfig(url, { pooler }, NO_LIMIT_SETTINGS), query_timeout: 0 });
  client.on('error', () => {}); // the statement that it breaks says so
  try {
    await client.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    // `migrate` takes no lock of its own: servers that start together would trip over each other. It goes with the connection.
    const db = drizzle(client);
    await db.execute(sql`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    await migrate(db, { migrationsFolder: MIGRATIONS });
  } catch (error) {
    throw toAppError(error);
  } finally {
    await client.end();
  }
}
