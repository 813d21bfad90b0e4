/** Which migrations a database has, by whom, and whether its tables are ours. */
import { AppError } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';
import type { MigrationMeta } from 'drizzle-orm/migrator';

import { migrationsTable } from './migrations-table.ts';
import { type Db, queryRows, type Tx } from './transaction.ts';

/** The version that kept its entries in the table that all Drizzle apps of a database share. */
const SHARED_TABLE_VERSION = '0.1.0';
const own = sql`${sql.identifier(migrationsTable.schema)}.${sql.identifier(migrationsTable.table)}`;

/** A migration that was applied. Drizzle tells them apart by `created_at`: the time at which the migration was written. */
export interface MigrationEntry {
  readonly hash: string;
  readonly createdAtMs: number;
  /** The version that applied it; null when that was drizzle-kit by itself. */
  readonly version: string | null;
}

/** The entries of our own table; none while it is not there. */
export async function listEntries(db: Db): Promise<MigrationEntry[]> {
  if (!(await hasTable(db))) return [];
  // By way of JSON, since drizzle-kit makes the table without the column.
  const rows = await queryRows<{ hash: string; created_at: string; version: string | null }>(
    db,
    sql`SELECT hash, created_at, to_jsonb(m) ->> 'version' AS version FROM ${own} m`,
  );
  return rows.map(({ hash, created_at, version }) => ({ hash, createdAtMs: Number(created_at), version }));
}

async function hasTable(db: Db): Promise<boolean> {
  const { schema, table } = migrationsTable;
  const found = await queryRows(db, sql`SELECT FROM pg_tables WHERE schemaname = ${schema} AND tablename = ${table}`);
  return found.length === 1;
}

export function pendingOf(
  migrations: readonly MigrationMeta[],
  entries: readonly Pick<MigrationEntry, 'createdAtMs'>[],
): MigrationMeta[] {
  const applied = new Set(entries.map(({ createdAtMs }) => createdAtMs));
  return migrations.filter(({ folderMillis }) => !applied.has(folderMillis));
}

/** @throws {AppError} when the database has a migration that this version does not know, or is marked with a higher version */
export function refuseNewer(
  entries: readonly MigrationEntry[],
  migrations: readonly MigrationMeta[],
  version: string,
): void {
  const known = new Set(migrations.map(({ folderMillis }) => folderMillis));
  const newer = entries.filter((entry) => !known.has(entry.createdAtMs) || isHigher(entry.version, version));
  if (newer.length === 0) return;
  const versions = newer.map((entry) => entry.version ?? '').toSorted(compareVersions);
  throw new AppError(
    'unavailable',
    `This is timmy-tower ${version}, and the database was migrated by a newer version, ${versions.at(-1) || 'which left no name'}. ` +
      'Nothing was changed. Start that version, or a newer one.',
  );
}

const compareVersions = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });
const isHigher = (version: string | null, than: string) => version !== null && compareVersions(version, than) > 0;

/**
 * Those of `migrations` that version 0.1.0 applied. Its entries stay where they are: a server of that version may start
 * again during the upgrade. Others' entries in that table are none of ours, whatever their time.
 */
export async function listSharedEntries(tx: Tx, migrations: readonly MigrationMeta[]): Promise<MigrationEntry[]> {
  const shared = await queryRows(
    tx,
    sql`
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'drizzle' AND c.relname = '__drizzle_migrations'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`,
  );
  if (shared.length === 0) return []; // ours we could read
  const rows = await queryRows<{ hash: string }>(tx, sql`SELECT hash FROM drizzle.__drizzle_migrations`);
  const applied = new Set(rows.map(({ hash }) => hash));
  return migrations
    .filter(({ hash }) => applied.has(hash))
    .map(({ hash, folderMillis }) => ({ hash, createdAtMs: folderMillis, version: SHARED_TABLE_VERSION }));
}

/** What is there already under the names of the tables that these migrations create. */
export async function findForeignTables(tx: Tx, migrations: readonly MigrationMeta[]): Promise<string[]> {
  const statements = migrations.flatMap((migration) => migration.sql).join('\n');
  const names = Array.from(
    statements.matchAll(/^\s*CREATE TABLE (?:IF NOT EXISTS )?(?:"?public"?\.)?"?(\w+)/gim),
    ([, name]) => name!,
  );
  if (names.length === 0) return [];
  const rows = await queryRows<{ name: string }>(
    tx,
    sql`SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relname IN ${names} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** The table as drizzle-kit makes it, and a column of ours. */
export async function prepareTable(tx: Tx): Promise<void> {
  if (!(await hasTable(tx))) {
    await tx.execute(sql`CREATE TABLE ${own} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`);
  }
  await tx.execute(sql`ALTER TABLE ${own} ADD COLUMN IF NOT EXISTS version text`);
}

export async function record(tx: Tx, entries: readonly MigrationEntry[]): Promise<void> {
  for (const { hash, createdAtMs, version } of entries) {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await tx.execute(sql`INSERT INTO ${own} (hash, created_at, version) VALUES (${hash}, ${createdAtMs}, ${version})`);
  }
}
