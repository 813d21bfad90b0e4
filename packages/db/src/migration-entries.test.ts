import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import packageJson from '../package.json' with { type: 'json' };
import {
  firstMigrations,
  namesIn,
  onDatabase,
  untilMigrationLock,
  versionsIn,
  withMigrations,
  withSlowMigration,
} from '../test/migrations.ts';
import { migrateDatabase } from './migrate.ts';
import { openEmptyDatabase, type UnmigratedDatabase } from './testing.ts';

const { version } = packageJson;
const migrations = readMigrationFiles({ migrationsFolder: fileURLToPath(new URL('../migrations', import.meta.url)) });

let database: UnmigratedDatabase;
beforeEach(async () => {
  database = await openEmptyDatabase();
});
afterEach(() => database.close());

const start = () => migrateDatabase(database.url);

describe('a table of one of our names that we did not make', () => {
  test.each(['sessions', 'session_keys', 'invoices', 'session_requests', 'session_messages', 'ledger_entries'])(
    'is refused by its name, and nothing is created: %s',
    async (name) => {
      await onDatabase(database.url, `CREATE TABLE ${name} (id integer)`, `INSERT INTO ${name} VALUES (1)`);
      const before = await namesIn(database.url);
      await expect(start()).rejects.toMatchObject({
        name: 'AppError',
        message: expect.stringMatching(new RegExp(`did not make them: ${name}\\..*a database of its own, or move`)),
      });
      expect(await namesIn(database.url)).toEqual(before);
      expect(await onDatabase(database.url, `SELECT id FROM ${name}`)).toEqual([{ id: 1 }]);
    },
  );

  test('need not be a table: views and others stand in its place too', async () => {
    await onDatabase(database.url, 'CREATE VIEW sessions AS SELECT 1', 'CREATE SEQUENCE invoices');
    await expect(start()).rejects.toThrow('did not make them: invoices, sessions.');
  });

  test('is refused too when a later version is the first to use its name', async () => {
    await start();
    await onDatabase(database.url, 'CREATE TABLE refunds (id integer)');
    await using later = await withMigrations(
      'ALTER TABLE sessions ADD a integer',
      'CREATE TABLE "refunds" ("id" uuid)',
    );
    const before = await namesIn(database.url);
    await expect(migrateDatabase(database.url, later)).rejects.toThrow('did not make them: refunds.');
    expect(await namesIn(database.url)).toEqual(before);
  });

  test('is nobody’s concern in another schema', async () => {
    await onDatabase(database.url, 'CREATE SCHEMA shop', 'CREATE TABLE shop.invoices (id integer)');
    await expect(start()).resolves.toBeUndefined();
  });
});

describe('a database that a newer version migrated is refused, naming both', () => {
  const newer = { version: '99.10.0' };

  test('when it has a migration that this one does not know', async () => {
    await using later = await withMigrations('ALTER TABLE sessions ADD a integer');
    await migrateDatabase(database.url, { ...later, ...newer });
    await expect(start()).rejects.toMatchObject({
      name: 'AppError',
      message: `This is timmy-tower ${version}, and the database was migrated by a newer version, 99.10.0. Nothing was changed. Start that version, or a newer one.`,
    });
    await migrateDatabase(database.url, { ...later, ...newer });
  });

  test('when it is marked with a higher version', async () => {
    await migrateDatabase(database.url, newer);
    await expect(start()).rejects.toThrow(
      `This is timmy-tower ${version}, and the database was migrated by a newer version, 99.10.0.`,
    );
    await expect(migrateDatabase(database.url, { version: '99.9.0' })).rejects.toThrow('This is timmy-tower 99.9.0');
    await migrateDatabase(database.url, { version: '100.0.0' });
  });

  test('when several did, by the newest', async () => {
    await using later = await withMigrations('ALTER TABLE sessions ADD a integer');
    await migrateDatabase(database.url, { version: '99.9.0' });
    await migrateDatabase(database.url, { ...later, ...newer });
    await expect(start()).rejects.toThrow('99.10.0');
  });

  test('when the migration left no name', async () => {
    await start();
    await onDatabase(
      database.url,
      `INSERT INTO timmy_tower_migrations (hash, created_at) VALUES ('later', 4102444800000)`,
    );
    await expect(start()).rejects.toThrow('by a newer version, which left no name.');
  });

  test('also when it comes in while we wait for its lock', async () => {
    await using slow = await withSlowMigration(database.url);
    const migrating = migrateDatabase(database.url, { ...slow, ...newer });
    await untilMigrationLock(database.url, { held: 1, waiting: 0 });
    const starting = start().catch((thrown: unknown) => thrown);
    await untilMigrationLock(database.url, { held: 1, waiting: 1 });
    await slow.letGo();
    await migrating;
    expect(await starting).toMatchObject({ message: expect.stringContaining('99.10.0') });
  });
});

test('one that an older version migrated goes on from there, each migration marked by who applied it', async () => {
  await using first = await firstMigrations(2);
  await migrateDatabase(database.url, { ...first, version: '0.0.9' });
  await start();
  expect(await versionsIn(database.url)).toEqual(['0.0.9', '0.0.9', ...migrations.slice(2).map(() => version)]);
});

describe('another Drizzle app in the same database', () => {
  const sharedTable = [
    'CREATE SCHEMA drizzle',
    'CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)',
  ];
  const entry = (hash: string, at: number) =>
    `INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('${hash}', ${at})`;
  const shared = () =>
    onDatabase(database.url, 'SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id');

  test('whose migrations are newer keeps none of ours from being applied, and its entries', async () => {
    await onDatabase(database.url, ...sharedTable, entry('another app', 4_102_444_800_000));
    await start();
    expect(await versionsIn(database.url)).toEqual(migrations.map(() => version));
    expect(await shared()).toEqual([{ hash: 'another app', created_at: '4102444800000' }]);
  });

  test('has no right to keep us from reading a table that is not ours', async () => {
    const role = `reader_${randomUUID().replaceAll('-', '')}`;
    await onDatabase(
      database.url,
      ...sharedTable,
      `CREATE ROLE ${role} LOGIN PASSWORD 'a'`,
      `GRANT CREATE, USAGE ON SCHEMA public TO ${role}`,
    );
    const url = Object.assign(new URL(database.url), { username: role, password: 'a' });
    try {
      await migrateDatabase(url.href);
      expect(await versionsIn(database.url)).toHaveLength(migrations.length);
    } finally {
      await onDatabase(database.url, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
    }
  });

  test('between whose entries version 0.1.0 left its own is told apart: ours are taken over, what it skipped is applied', async () => {
    await using first = await firstMigrations(2);
    await migrateDatabase(database.url, first);
    await onDatabase(
      database.url,
      'DROP TABLE timmy_tower_migrations',
      ...sharedTable,
      entry(migrations[0]!.hash, migrations[0]!.folderMillis),
      entry(migrations[1]!.hash, migrations[1]!.folderMillis),
      entry('another app', migrations[2]!.folderMillis + 1),
    );
    await start();
    expect(await versionsIn(database.url)).toEqual(['0.1.0', '0.1.0', ...migrations.slice(2).map(() => version)]);
    expect(await shared()).toHaveLength(3);
  });
});
