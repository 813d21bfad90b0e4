import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import { connectionConfig, type ConnectionOptions, type Settings } from './connection.ts';
import { inspectDatabase } from './inspect-database.ts';
import { migrateDatabase } from './migrate.ts';
import { toAppError } from './pg-error.ts';
import type { Database } from './transaction.ts';

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
 * @throws {AppError} `unavailable` when the database cannot be reached, is set in a way that does not work, or when
 * `migrateDatabase` refuses it
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenedDatabase> {
  const { settings, warnings } = await inspectDatabase(url, options);
  for (const warning of warnings) options.onWarning?.(warning);
  await migrateDatabase(url);
  const database = connect(url, options, settings);
  await openLeaseConnection(database);
  return database;
}

/** At once: later the others may have taken all the connections that there are. */
async function openLeaseConnection({ leaseDb, close }: OpenedDatabase): Promise<void> {
  try {
    await leaseDb.execute(sql`SELECT`);
  } catch (error) {
    await close();
    throw toAppError(error);
  }
}

/** Pools on `url`, without looking at the database. Nothing is opened before the first statement. */
export function connect(url: string, options: OpenOptions = {}, settings: Settings = {}): OpenedDatabase {
  const config = connectionConfig(url, options, settings);
  const pool = openPool({ ...config, max: options.poolSize ?? 10 }, options);
  const leases = { max: 1, idleTimeoutMillis: 0, application_name: `${config.application_name} leases` };
  const leasePool = openPool({ ...config, ...leases }, options);
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
  pool.on('error', (error) => {
    if (!pool.ending) onConnectionLost?.(error);
  });
  return pool;
}
