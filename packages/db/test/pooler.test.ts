/** Through a real PgBouncer in transaction mode, which hands each transaction to whichever connection is free. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { LIMIT_SETTINGS } from '../src/connection.ts';
import { openDatabase, type OpenOptions } from '../src/open.ts';
import { administer, findPgBouncer, openTestDatabase, openTestPooler, type TestDatabase } from '../src/testing.ts';
import { createForeignDatabase, type ForeignHabits } from './foreign-database.ts';
import { liveThrough, rememberAlone, WORDS } from './whole-life.ts';

const program = findPgBouncer();

let server: TestDatabase;
beforeAll(async () => {
  server = await openTestDatabase();
});
afterAll(() => server.close());

const refusalOf = (url: string, options: OpenOptions = {}) =>
  openDatabase(url, options).then(
    () => expect.fail('it was opened'),
    (error: unknown) => error,
  );

/** What an operator is told when it is opened, but for what this very server is like. */
async function warningsOf(url: string): Promise<string[]> {
  const warnings: string[] = [];
  const options = { pooler: 'transaction', timeLimits: true } as const;
  const { close } = await openDatabase(url, { ...options, onWarning: (warning) => warnings.push(warning) });
  await close();
  return warnings.filter((warning) => !warning.startsWith('fsync'));
}

/** The statements that a text tells to run. */
const statementsIn = (text: string) => [...text.matchAll(/ALTER ROLE [^;]+;/g)].map(([statement]) => statement);

describe.skipIf(!program)('through a pooler', () => {
  const open = async (habits: ForeignHabits = {}, settings: Record<string, string> = {}) => {
    await using opening = new AsyncDisposableStack();
    const foreign = opening.use(await createForeignDatabase(server.url, habits));
    const pooler = opening.use(await openTestPooler(program!, foreign.url, settings));
    const opened = opening.move();
    return { ...foreign, pooler, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  };

  test('a whole life of a session comes to what it should, the limits being the role’s', async () => {
    await using foreign = await open();
    for (const statement of statementsIn((await warningsOf(foreign.pooler.url)).join('\n'))) {
      // oxlint-disable-next-line no-await-in-loop
      await administer(server.url, statement);
    }
    await foreign.pooler.reconnect();
    const { db, close } = await openDatabase(foreign.pooler.url, { pooler: 'transaction', timeLimits: true });
    expect(await liveThrough(db)).toEqual(WORDS);
    vi.stubEnv('DATABASE_POOLER', 'transaction');
    expect(await rememberAlone(db, foreign.pooler.url)).toEqual(['the last word', 9]);
    await close();
  });

  test('the limits that its role lacks are told, with the statements that set them', async () => {
    await using foreign = await open();
    const warnings = await warningsOf(foreign.pooler.url);
    const lacking = Object.keys(LIMIT_SETTINGS).map((name) => expect.stringMatching(new RegExp(`^${name} is 0 `)));
    expect(warnings).toEqual(expect.arrayContaining(lacking));
    const statements = statementsIn(warnings.join('\n'));
    expect(statements).toContain(`ALTER ROLE ${foreign.role} IN DATABASE ${foreign.role} SET lock_timeout = '2000ms';`);
    // oxlint-disable-next-line no-await-in-loop
    for (const statement of statements) await administer(server.url, statement);
    await foreign.pooler.reconnect();
    expect(await warningsOf(foreign.pooler.url)).toEqual([]);
  });

  test('a setting that does not work is refused, and the statement that it names mends it', async () => {
    await using foreign = await open({
      settings: { datestyle: 'German', default_transaction_isolation: 'serializable' },
    });
    const refusal = await refusalOf(foreign.pooler.url, { pooler: 'transaction' });
    expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringContaining('DateStyle is German') });
    const statements = statementsIn(String(refusal));
    expect(statements).toHaveLength(2);
    // oxlint-disable-next-line no-await-in-loop
    for (const statement of statements) await administer(server.url, statement);
    await foreign.pooler.reconnect();
    const { db, close } = await openDatabase(foreign.pooler.url, { pooler: 'transaction' });
    expect(await liveThrough(db)).toEqual(WORDS);
    await close();
  });

  test.each<[string, Record<string, string>]>([
    ['refuses what a connection starts with', {}],
    ['drops what a connection starts with', { ignore_startup_parameters: 'options' }],
  ])('that %s, and of which we were not told, is named', async (_how, settings) => {
    await using foreign = await open({}, settings);
    expect(await refusalOf(foreign.pooler.url)).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('DATABASE_POOLER=transaction'),
    });
  });

  test('nothing of ours is left for others who come through it', async () => {
    await using foreign = await open({}, { default_pool_size: '1' });
    const { db, close } = await openDatabase(foreign.pooler.url, { pooler: 'transaction', timeLimits: true });
    await liveThrough(db);
    const other = new pg.Client({ connectionString: foreign.pooler.url });
    await other.connect();
    const { rows } = await other.query(
      `SELECT (SELECT count(*)::int FROM pg_prepared_statements) AS prepared,
         (SELECT count(*)::int FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name')) AS settings,
         (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND database = (
           SELECT oid FROM pg_database WHERE datname = current_database())) AS locks`,
    );
    expect(rows).toEqual([{ prepared: 0, settings: 0, locks: 0 }]);
    await other.end();
    await close();
  });
});
