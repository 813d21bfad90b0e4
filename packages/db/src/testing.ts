/** A real PostgreSQL for tests: one server per run (see `testing-server.ts`), one freshly migrated database per caller. */
import { randomUUID } from 'node:crypto';

import { connect, type OpenedDatabase, type OpenOptions } from './open.ts';
import { administer, withDatabase } from './testing-administer.ts';

export { administer, withDatabase } from './testing-administer.ts';
export {
  type OldAnswers,
  type OldSession,
  type OldTurn,
  openEmptyDatabase,
  oldVersions,
  openOldDatabase,
  type UnmigratedDatabase,
  VERSION_BEFORE,
} from './testing-old-database.ts';
export { findPgBouncer, openTestPooler, type TestPooler } from './testing-pooler.ts';

export { brokenShardRules } from './shard-rules.ts';

/** Its `close` drops it, whoever is still connected. */
export interface TestDatabase extends OpenedDatabase {
  readonly url: string;
}

/**
 * A database of its own, cloned from the migrated template in some 50 ms, or from another one that nobody is connected to.
 * (Its files are copied: by way of the log it takes twice the time.)
 * @throws {Error} outside a vitest project that has `testing-server.ts` as its global set-up
 */
export async function openTestDatabase(
  options: OpenOptions = {},
  template = process.env['TEST_DATABASE_TEMPLATE_URL'],
): Promise<TestDatabase> {
  if (!template) throw new Error('No test server: is testing-server.ts among the vitest project’s globalSetup files?');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = withDatabase(template, name);
  await administer(template, `CREATE DATABASE ${name} TEMPLATE ${databaseOf(template)} STRATEGY FILE_COPY`);
  const database = connect(url, options);
  return {
    ...database,
    url,
    async close() {
      await database.close();
      await administer(template, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

const databaseOf = (url: string) => new URL(url).pathname.slice(1);
