/**
 * Brings a database's schema up to date: looks first, and does what is to be done in one transaction, under a lock.
 *
 * A database that is up to date is only read: starting on it needs no right to create anything, and takes no lock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { AppError } from '@timmy-tower/contract';
import { DrizzleQueryError, sql } from 'drizzle-orm';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import packageJson from '../package.json' with { type: 'json' };
import { findLockHolder, lockForMigration, lockTimeoutsMs } from './migration-lock.ts';
import {
  findForeignTables,
  listEntries,
  listSharedEntries,
  pendingOf,
  prepareTable,
  record,
  refuseNewer,
} from './migration-entries.ts';
import { migrationsTable } from './migrations-table.ts';
import { sqlState, toAppError, unavailable } from './pg-error.ts';
import type { Tx } from './transaction.ts';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));
const CONNECT_TIMEOUT_MS = 5000;
/** How long to try for the locks: another server's migration has to end, or an older server's statements on the tables. */
const PATIENCE_MS = 60_000;
/** Lost to somebody else's lock, or to a deadlock with an older server's turn: nothing was changed, and it is tried again. */
const RETRIED_SQL_STATES = new Set(['55P03', '40P01']);
const MAX_PAUSE_MS = 500;

export interface MigrateOptions {
  readonly migrationsFolder?: string;
  /** Written beside each migration, so that an older version can say whom it met. */
  readonly version?: string;
  readonly patienceMs?: number;
}

interface Migration {
  readonly migrations: readonly MigrationMeta[];
  readonly version: string;
}

/**
 * @throws {AppError} `unavailable` when the database cannot be reached, was migrated by a newer version, has tables of
 * others under our names, or lets no migration through: its message says which, and what to do
 */
export async function migrateDatabase(url: string, options: MigrateOptions = {}): Promise<void> {
  const { migrationsFolder = MIGRATIONS, version = packageJson.version, patienceMs = PATIENCE_MS } = options;
  const migration = { migrations: readMigrationFiles({ migrationsFolder }), version };
  // On a connection of its own: a migration may take longer than any other statement.
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'timmy-tower migration',
  });
  client.on('error', () => {}); // the statement that it breaks says so
  try {
    await client.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    const db = drizzle(client);
    if (!(await isUpToDate(db, migration))) await migratePatiently(db, migration, patienceMs);
  } catch (error) {
    const meaning = toAppError(error);
    throw meaning instanceof DrizzleQueryError ? failed(meaning) : meaning;
  } finally {
    await client.end();
  }
}

/** @throws {AppError} when a newer version migrated it */
async function isUpToDate(db: NodePgDatabase, { migrations, version }: Migration): Promise<boolean> {
  const entries = await listEntries(db);
  refuseNewer(entries, migrations, version);
  return pendingOf(migrations, entries).length === 0;
}

async function migratePatiently(db: NodePgDatabase, migration: Migration, patienceMs: number): Promise<void> {
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  while (true) {
    const lockTimeoutMs = elapsedMs() < patienceMs / 6 ? lockTimeoutsMs.atFirst : lockTimeoutsMs.later;
    const run = (tx: Tx) => migrateUnderLock(tx, migration, lockTimeoutMs);
    try {
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      return await db.transaction(run, { isolationLevel: 'read committed', accessMode: 'read write' });
    } catch (error) {
      if (!RETRIED_SQL_STATES.has(sqlState(error) ?? '')) throw error;
      // oxlint-disable-next-line no-await-in-loop
      if (elapsedMs() > patienceMs) throw locked(await findLockHolder(db), patienceMs, error);
    }
    // oxlint-disable-next-line no-await-in-loop -- what waited behind our lock gets its turn
    await delay(Math.random() * MAX_PAUSE_MS);
  }
}

async function migrateUnderLock(tx: Tx, { migrations, version }: Migration, lockTimeoutMs: number): Promise<void> {
  await lockForMigration(tx, lockTimeoutMs);
  const entries = await listEntries(tx);
  refuseNewer(entries, migrations, version); // it may have come in between
  const adopted = await listSharedEntries(tx, pendingOf(migrations, entries));
  const pending = pendingOf(migrations, [...entries, ...adopted]);
  const foreign = await findForeignTables(tx, pending);
  if (foreign.length > 0) throw foreignTables(foreign);
  await prepareTable(tx);
  await record(tx, adopted);
  for (const migration of pending) {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    for (const statement of migration.sql) await tx.execute(sql.raw(statement));
    // oxlint-disable-next-line no-await-in-loop
    await record(tx, [{ hash: migration.hash, createdAtMs: migration.folderMillis, version }]);
  }
}

function foreignTables(names: readonly string[]): AppError {
  return new AppError(
    'unavailable',
    `The database has tables of these names already, and timmy-tower did not make them: ${names.join(', ')}. ` +
      'Nothing was changed. Give timmy-tower a database of its own, or move those tables to another schema than public. ' +
      '(If they are its own, from a backup: restore the table of its migrations with them.)',
  );
}

function locked(holder: string | undefined, patienceMs: number, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    `The database could not be migrated: for ${patienceMs / 1000} s a lock that it needs was held` +
      `${holder === undefined ? '' : ` by ${holder}`}. Nothing was changed. Start again once that is done; ` +
      'if it was left behind (by a pooler, or a server that hangs), end it with SELECT pg_terminate_backend(pid).',
    { cause },
  );
}

/** PostgreSQL's own words say best what is wrong, but those about data (class 22) quote it. */
function failed(error: DrizzleQueryError): AppError {
  const state = sqlState(error) ?? '';
  const why = state.startsWith('22') ? `PostgreSQL error ${state}` : error.cause?.message;
  const lacksRight = state === '42501';
  return new AppError(
    'unavailable',
    `The database could not be migrated: ${why}. Nothing was changed.${lacksRight ? ` ${RIGHTS}` : ''}`,
    { cause: error.cause },
  );
}

const RIGHTS =
  'Migrate once (`timmy-tower.mjs migrate`, or `pnpm db:migrate` in a checkout) with a DATABASE_URL of the role that owns the ' +
  `tables. A role that only serves needs SELECT on ${migrationsTable.schema}.${migrationsTable.table}.`;
