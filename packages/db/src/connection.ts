/**
 * What a connection must be like, whatever the database and the role have been set to: it is said as the connection starts.
 * What cannot be said, or not through a pooler, is looked at before anything is done: see `database-check.ts`.
 */
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

import { TIME_LIMITS_MS } from './time-limits.ts';

export interface ConnectionOptions {
  /**
   * `transaction`: a pooler hands each transaction to another connection, as PgBouncer does with pool_mode=transaction. No
   * statement is named and nothing is set, for it would not be there the next time, or be there for others.
   */
  readonly pooler?: 'transaction' | undefined;
  /** Locks, statements and idle transactions end in time (`TIME_LIMITS_MS`): for servers, whose callers share the pool. */
  readonly timeLimits?: boolean;
}

/** What `DATABASE_POOLER` says. @throws {RangeError} when it is anything but `transaction` or blank */
export function parsePooler(value: string | undefined): ConnectionOptions['pooler'] {
  const pooler = value?.trim();
  if (!pooler) return undefined;
  if (pooler !== 'transaction') throw new RangeError('DATABASE_POOLER must be transaction, or unset.');
  return pooler;
}

/** By PostgreSQL's names. */
export type Settings = Readonly<Record<string, string>>;

const SETTINGS: Settings = {
  // Times are read from their text.
  DateStyle: 'ISO',
  // The steps of a turn, a payment and an append are written for it: each sees what the last holder of a lock committed.
  default_transaction_isolation: 'read committed',
  // Where the migrations make the tables; another schema may have tables of the same names.
  search_path: 'public',
  // A named statement is planned once. Left to itself, PostgreSQL plans a window anew with each call on some tables, and
  // planning takes longer than reading: docs/performance.md.
  plan_cache_mode: 'force_generic_plan',
  // Our statements read a few rows each: compiling one takes longer than running it.
  jit: 'off',
};

export const LIMIT_SETTINGS: Settings = {
  lock_timeout: `${TIME_LIMITS_MS.lock}ms`,
  idle_in_transaction_session_timeout: `${TIME_LIMITS_MS.idleInTransaction}ms`,
  statement_timeout: `${TIME_LIMITS_MS.statement}ms`,
};

/** A server that stopped answering, or a network that swallows packets, must not hold a caller for ever. */
const LONGEST_ANSWER_MS = 30_000;

/**
 * How to connect to `url`. Options that the URL itself gives (`?options=-c …`) come last, and win.
 * @throws {TypeError} when it is no URL; it repeats nothing of it
 */
export function connectionConfig(
  url: string,
  { pooler, timeLimits = false }: ConnectionOptions,
  more: Settings = {},
): pg.PoolConfig {
  const given = parseIntoClientConfig(url);
  const settings = { ...SETTINGS, ...(timeLimits ? LIMIT_SETTINGS : {}), ...more };
  return {
    application_name: 'timmy-tower',
    ...given,
    ...(pooler ? { Client: UnnamedClient } : { options: `${startupOptions(settings)} ${given.options ?? ''}` }),
    connectionTimeoutMillis: TIME_LIMITS_MS.connection,
    query_timeout: timeLimits ? TIME_LIMITS_MS.answer : LONGEST_ANSWER_MS,
    keepAlive: true,
  };
}

/** As `postgres -c` has them: a space within a value is escaped (libpq, "Connection Control Functions", options). */
function startupOptions(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, String.raw`\$&`)}`)
    .join(' ');
}

/** Sends every statement without its name. */
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
