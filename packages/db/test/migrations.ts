/** What the tests of the migrations share: folders with a migration more, and what a database has. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import pg from 'pg';
import { expect } from 'vitest';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));

export interface MigrationsFolder extends AsyncDisposable {
  readonly migrationsFolder: string;
}

interface Journal {
  readonly entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[];
}

/** Our migrations, and then these: what a later version would have. */
export async function withMigrations(...statements: string[]): Promise<MigrationsFolder> {
  return changedFolder(async (journal, folder) => {
    for (const [n, statement] of statements.entries()) {
      const last = journal.entries.at(-1)!;
      const next = { ...last, idx: last.idx + 1, when: last.when + 1000, tag: `later_${n}` };
      journal.entries.push(next);
      // oxlint-disable-next-line no-await-in-loop
      await writeFile(join(folder, `${next.tag}.sql`), statement);
    }
  });
}

/** A migration more, which is not over until it is let go: with its table, in the database of this URL. */
export async function withSlowMigration(url: string): Promise<MigrationsFolder & { letGo: () => Promise<unknown> }> {
  await onDatabase(url, 'CREATE TABLE let_go (now boolean)');
  const folder = await withMigrations(
    'DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM let_go) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$',
  );
  return { ...folder, letGo: () => onDatabase(url, 'INSERT INTO let_go VALUES (true)') };
}

/** Our first `count` migrations: what an earlier version had. */
export async function firstMigrations(count: number): Promise<MigrationsFolder> {
  return changedFolder(async (journal) => void journal.entries.splice(count));
}

async function changedFolder(change: (journal: Journal, folder: string) => Promise<void>): Promise<MigrationsFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'timmy-tower-migrations-'));
  await cp(MIGRATIONS, folder, { recursive: true });
  const file = join(folder, 'meta', '_journal.json');
  const journal: Journal = JSON.parse(await readFile(file, 'utf8'));
  await change(journal, folder);
  await writeFile(file, JSON.stringify(journal));
  return {
    migrationsFolder: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Runs statements on a connection of their own. @returns the rows of the last one */
export async function onDatabase<Row extends pg.QueryResultRow>(url: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Row[] = [];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

export const versionsIn = async (url: string) =>
  (await onDatabase<{ version: string }>(url, 'SELECT version FROM timmy_tower_migrations ORDER BY created_at')).map(
    ({ version }) => version,
  );

/** How many have the lock under which a database is migrated, and how many wait for it. */
export async function untilMigrationLock(url: string, { held, waiting }: { held: number; waiting: number }) {
  const locks = async () => {
    const rows = await onDatabase<{ granted: boolean }>(
      url,
      `SELECT granted FROM pg_locks JOIN pg_database d ON d.oid = database
       WHERE locktype = 'advisory' AND datname = current_database()`,
    );
    const granted = rows.filter((row) => row.granted).length;
    return { held: granted, waiting: rows.length - granted };
  };
  await expect.poll(locks).toEqual({ held, waiting });
}

/** All that was made in a database by somebody: its schemas, and what is in them. */
export const namesIn = async (url: string) =>
  (
    await onDatabase<{ name: string }>(
      url,
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE nspname !~ '^pg_|^information_schema$' UNION SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
       UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`,
    )
  ).map(({ name }) => name);
