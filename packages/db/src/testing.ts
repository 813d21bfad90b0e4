/** A real PostgreSQL for tests: one server per run (see `testing-server.ts`), one freshly migrated database per caller. */
import { randomUUID } from 'node:crypto';

import pg from 'pg';

import { connect, type OpenOptions } from './open.ts';
import type { Database } from './transaction.ts';

export { brokenShardRules } from './shard-rules.ts';

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
  /** Closes the pool and drops the database, whoever is still connected. */
  close(): Promise<void>;
}

/**
 * A database of its own, cloned from the migrated template in some 50 ms.
 * @throws {Error} outside a vitest project that has `testing-server.ts` as its global set-up
 */
export async function openTestDatabase(options: OpenOptions = {}): Promise<TestDatabase> {
  const template = process.env['TEST_DATABASE_TEMPLATE_URL'];
  if (!template) throw new Error('No test server: is testing-server.ts among the vitest project’s globalSetup files?');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = withDatabase(template, name);
  await administer(template, `CREATE DATABASE ${name} TEMPLATE ${databaseOf(template)}`);
  const { db, close } = connect(url, options);
  return {
    url,
    db,
    async close() {
      await close();
      await administer(template, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Runs one statement on the server of `url`, from a database that is nobody's template. */
export async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(url, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

const databaseOf = (url: string) => new URL(url).pathname.slice(1);
