import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import { migrateDatabase } from './migrate.ts';
import { toAppError } from './pg-error.ts';
import type { Database } from './transaction.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** A server that stopped answering, or a network that swallows packets, must not hold a caller for ever. */
const QUERY_TIMEOUT_MS = 30_000;
/**
 * A named statement is planned once. Left to itself, PostgreSQL plans a window anew with each call on some tables, and planning
 * takes longer than reading: docs/performance.md.
 */
const PLAN_ONCE = 'SET plan_cache_mode = force_generic_plan';

export interface OpenOptions {
  /** Connections at most. */
  readonly poolSize?: number;
  /** false: hot statements go unnamed, for poolers that hand each statement to another connection. */
  readonly preparedStatements?: boolean;
  /** Called when an idle connection is lost; the pool opens a new one by itself. */
  readonly onConnectionLost?: (error: Error) => void;
}

export interface OpenedDatabase {
  readonly db: Database;
  readonly close: () => Promise<void>;
}

/**
 * Opens a pool on `url` (`postgres://…`) and brings the schema up to date, under a lock: any number of servers may start at once.
 * @throws {AppError} `unavailable` when the database cannot be reached, or when `migrateDatabase` refuses it
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenedDatabase> {
  await migrateDatabase(url);
  return connect(url, options);
}

/** A pool on `url`, without looking at the schema. Nothing is opened before the first statement. */
export function connect(url: string, options: OpenOptions = {}): OpenedDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'timmy-tower',
    max: options.poolSize ?? 10,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    ...(options.preparedStatements === false ? { Client: UnnamedClient } : { onConnect: planOnce }),
  });
  // Without these listeners a connection that breaks would end the process. In use, its statement says so; idle, nobody does.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) => options.onConnectionLost?.(error));
  return { db: drizzle(pool), close: () => pool.end() };
}

async function planOnce(client: pg.ClientBase): Promise<void> {
  await client.query(PLAN_ONCE);
}

/** Resolves when the database answers. @throws {AppError} `unavailable` when it does not */
export async function checkDatabase(db: Database): Promise<void> {
  try {
    await db.execute(sql`SELECT 1`);
  } catch (error) {
    throw toAppError(error);
  }
}

class UnnamedClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's query has too many signatures to restate
    this.query = ((first: unknown, ...rest: unknown[]) => query(withoutName(first), ...rest)) as pg.Client['query'];
  }
}

function withoutName(query: unknown): unknown {
  return typeof query === 'object' && query !== null && 'name' in query ? { ...query, name: undefined } : query;
}
