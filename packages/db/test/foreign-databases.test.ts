/**
 * Databases as others have set them, in a way that we set back, or where nothing is done at all and the setting is named. A
 * further habit is one more row.
 */
import { AppError } from '@timmy-tower/contract';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { LIMIT_SETTINGS } from '../src/connection.ts';
import { type OpenedDatabase, openDatabase, type OpenOptions } from '../src/open.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { run } from './fixtures.ts';
import { createForeignDatabase, type ForeignDatabase, type ForeignHabits } from './foreign-database.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await openTestDatabase();
});
afterAll(() => server.close());

test('plans are not compiled, though the database would have every one compiled', async () => {
  await using foreign = await createForeignDatabase(server.url, { settings: { jit: 'on', jit_above_cost: '0' } });
  const { db, close } = await openDatabase(foreign.url);
  expect(await run(db, 'SHOW jit')).toEqual([{ jit: 'off' }]);
  await close();
});

test('limits of the database itself do not bind a server', async () => {
  const settings = {
    statement_timeout: '1000',
    lock_timeout: '1000',
    idle_in_transaction_session_timeout: '1000',
    idle_session_timeout: '1000',
  };
  await using foreign = await createForeignDatabase(server.url, { settings });
  const { db, close } = await openDatabase(foreign.url, { timeLimits: true });
  const names = Object.keys(LIMIT_SETTINGS);
  const limits = await run<{ limit: string }>(
    db,
    `SELECT setting || unit AS limit FROM pg_settings WHERE name = ANY($1)`,
    [names],
  );
  expect(limits.map(({ limit }) => limit).toSorted()).toEqual(Object.values(LIMIT_SETTINGS).toSorted());
  expect(await run(db, 'SHOW idle_session_timeout')).toEqual([{ idle_session_timeout: '0' }]);
  await close();
});

const encoded = (encoding: string) => ({
  created: `TEMPLATE template0 ENCODING '${encoding}' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
});

test.each<[string, ForeignHabits, RegExp]>([
  ['western European letters', encoded('LATIN1'), /server_encoding is LATIN1 .*ENCODING 'UTF8' TEMPLATE template0/],
  ['Japanese ones', encoded('EUC_JP'), /server_encoding is EUC_JP/],
  ['bytes of any kind', encoded('SQL_ASCII'), /server_encoding is SQL_ASCII/],
  [
    'nothing but reading',
    { settings: { default_transaction_read_only: 'on' } },
    /ALTER ROLE (\w+) IN DATABASE \1 SET default_transaction_read_only = 'off'/,
  ],
  [
    'triggers that do not run',
    { settings: { session_replication_role: 'replica' } },
    /session_replication_role is replica/,
  ],
  [
    'tables elsewhere, its schema being gone',
    { before: 'DROP SCHEMA public' },
    /search_path is empty and should be public.*Make such a schema/,
  ],
  ['dates that its URL says', { options: '-c datestyle=German' }, /DateStyle is German.*take it out there/],
  [
    'two faults at once',
    { settings: { session_replication_role: 'replica' }, options: '-c default_transaction_isolation=serializable' },
    /default_transaction_isolation is serializable[^]*session_replication_role is replica/,
  ],
])('a database for %s is refused before anything is done, and why is said', async (_name, habits, why) => {
  await using foreign = await createForeignDatabase(server.url, habits);
  const refusal = await openDatabase(foreign.url, { timeLimits: true }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AppError);
  expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringMatching(why) });
  expect(await listOurs(foreign)).toEqual([]);
});

const query = async <Row extends pg.QueryResultRow>({ adminUrl }: ForeignDatabase, statement: string) => {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  const { rows } = await client.query<Row>(statement);
  await client.end();
  return rows;
};

/** Schemas and tables that were not there before. */
const listOurs = (foreign: ForeignDatabase) =>
  query(
    foreign,
    `SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|public$)'
     UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = 'public'`,
  );

describe('what an operator has to know is told', () => {
  /** Without what this server is, whatever the database is like: the tests' own does not wait for its disk. */
  async function warningsOf(
    habits: ForeignHabits,
    options: OpenOptions = {},
    use = async (_opened: OpenedDatabase): Promise<void> => {},
  ): Promise<string[]> {
    await using foreign = await createForeignDatabase(server.url, habits);
    const warnings: string[] = [];
    const opened = await openDatabase(foreign.url, { ...options, onWarning: (warning) => warnings.push(warning) });
    await use(opened);
    await opened.close();
    return warnings.filter((warning) => !warning.startsWith('fsync'));
  }

  test('nothing where all is well', async () => {
    expect(await warningsOf({}, { timeLimits: true })).toEqual([]);
  });

  test('nothing of commits that would not wait for the disk: they do', async () => {
    const habits = { settings: { synchronous_commit: 'off' } };
    const told = await warningsOf(habits, {}, async ({ db, leaseDb }) => {
      for (const each of [db, leaseDb]) {
        // oxlint-disable-next-line no-await-in-loop
        expect(await run(each, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
      }
    });
    expect(told).toEqual([]);
  });

  test('a stronger promise than ours is kept', async () => {
    await warningsOf({ settings: { synchronous_commit: 'remote_apply' } }, {}, async ({ db }) => {
      expect(await run(db, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'remote_apply' }]);
    });
  });

  test('that the URL has commits not wait', async () => {
    const told = await warningsOf({ options: '-c synchronous_commit=off' });
    expect(told).toEqual([expect.stringMatching(/synchronous_commit is off .*crash.*take it out there/)]);
  });

  test('that the URL sets a limit which does not fit the others', async () => {
    const told = await warningsOf({ options: '-c lock_timeout=1h -c statement_timeout=0' }, { timeLimits: true });
    expect(told).toEqual([
      expect.stringMatching(/^lock_timeout is 3600000 and should be 2000ms/),
      expect.stringMatching(/^statement_timeout is 0 and should be 6000ms/),
    ]);
  });

  test('that the server does not wait for its disk', async () => {
    const warnings: string[] = [];
    const { db, close } = await openDatabase(server.url, { onWarning: (warning) => warnings.push(warning) });
    const off = await run(db, `SELECT FROM pg_settings WHERE name = 'fsync' AND setting = 'off'`);
    const advice = /^fsync is off .*ALTER SYSTEM SET fsync = 'on'/;
    expect(warnings.filter((warning) => advice.test(warning))).toHaveLength(off.length);
    await close();
  });
});
