import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { AppError } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';

import {
  fundedSession,
  newTurn,
  readSession,
  run,
  say,
  type TestSession,
  unpaidSession,
  untilWaiting,
} from '../test/fixtures.ts';
import { database, opened, useDatabase } from '../test/use-database.ts';
import { openProxy } from '../test/proxy.ts';
import { appendMessage, getSessionHistory } from './history.ts';
import { creditPayment } from './invoices.ts';
import { connect, openDatabase } from './open.ts';
import { sqlState, toAppError } from './pg-error.ts';
import * as schema from './schema.ts';
import { type Database, inTransaction, lockSession, type Tx } from './transaction.ts';
import { reserveTurn } from './reserve-turn.ts';

useDatabase();

const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it went well'),
    (error: unknown) => error,
  );

/** Everything that a log could show of an error. */
const everyWordOf = (error: unknown): string =>
  error instanceof Error
    ? [error.message, error.stack, JSON.stringify(error), everyWordOf(error.cause)].join('\n')
    : JSON.stringify(error ?? '');

describe('openDatabase', () => {
  test('says unavailable when nobody listens', async () => {
    const error = await refused(openDatabase('postgres://nobody:secret-word@127.0.0.1:1/nothing'));
    expect(error).toMatchObject({ name: 'AppError', code: 'unavailable', cause: { code: 'ECONNREFUSED' } });
    expect(everyWordOf(error)).not.toContain('secret-word');
  });

  test('has its connection for leases, though there are fewer than the pool may open', async () => {
    const role = `narrow_${randomUUID().replaceAll('-', '')}`;
    await database.$client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'narrow' CONNECTION LIMIT 3`);
    await database.$client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    const url = new URL(opened.url);
    [url.username, url.password] = [role, 'narrow'];
    const { db, leaseDb, close } = await openDatabase(url.href);
    const held: pg.PoolClient[] = [];
    // One at a time, for as long as it takes: the connection that migrated counts until its backend is gone.
    const holdOneMore = async () => {
      const client = await db.$client.connect().catch(() => undefined);
      if (client) held.push(client);
      return held.length;
    };
    await expect.poll(holdOneMore).toBe(2);
    await expect(db.$client.connect()).rejects.toThrow('too many connections');
    expect(await leaseDb.execute(sql`SELECT 1 AS one`)).toMatchObject({ rows: [{ one: 1 }] });
    for (const client of held) client.release();
    await close();
    await database.$client.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`);
    await database.$client.query(`DROP ROLE ${role}`);
  });

  test.each([
    ['a wrong password', (url: URL) => (url.password = 'secret-word')],
    ['an unknown user', (url: URL) => (url.username = 'secret-word-not')],
    ['no such database', (url: URL) => (url.pathname = '/nothing')],
  ])('says unavailable for %s, and nothing of the password', async (_what, change) => {
    const url = new URL(opened.url);
    change(url);
    const error = await refused(openDatabase(url.href));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(everyWordOf(error)).not.toContain(decodeURIComponent(url.password));
  });

  test('says nothing of the password in a URL that cannot be read', async () => {
    const error = await refused(openDatabase('postgres://user:secret-word@[bad/nothing'));
    expect(everyWordOf(error)).not.toContain('secret-word');
  });
});

const terminateWaiting = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;

describe('statements', () => {
  const prepared = async (db: Database) => run<{ name: string }>(db, 'SELECT name FROM pg_prepared_statements');

  test('are prepared under their names, once per connection', async () => {
    const { db, close } = connect(opened.url, { poolSize: 1 });
    const session = await fundedSession(db);
    for (const word of ['one', 'two']) await say(db, session, word, word);
    const names = (await prepared(db)).map((row) => row.name);
    expect(names.toSorted()).toEqual(['reserve_turn', 'settle_turn']);
    await close();
  });

  test('are planned once, for all values that they are called with', async () => {
    const { db, close } = connect(opened.url, { poolSize: 1 });
    const session = await fundedSession(db);
    for (const word of ['one', 'two', 'three']) await getSessionHistory(session.sessionId, word.length, 10, db);
    const plans = await run(db, 'SELECT generic_plans::int, custom_plans::int FROM pg_prepared_statements');
    expect(plans).toEqual([{ generic_plans: 3, custom_plans: 0 }]);
    await close();
  });

  test('go unnamed where a pooler hands each to another connection', async () => {
    const { db, close } = connect(opened.url, { poolSize: 1, pooler: 'transaction' });
    const session = await fundedSession(db);
    for (const word of ['one', 'two']) await say(db, session, word, word);
    await inTransaction(db, (tx) => reserveTurn(tx, newTurn(session)));
    expect(await prepared(db)).toEqual([]);
    await close();
  });
});

describe('a connection that breaks', () => {
  const killOthers = () =>
    run(
      database,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );

  test('while idle is replaced, and told to the owner of the pool', async () => {
    const lost: Error[] = [];
    const { db, close } = connect(opened.url, { poolSize: 1, onConnectionLost: (error) => lost.push(error) });
    const { sessionId } = await fundedSession(db);
    await killOthers();
    await expect.poll(() => lost.map(sqlState)).toEqual(['57P01']);
    expect(await readSession(db, sessionId)).toMatchObject({ balanceMsat: 10_000n });
    await close();
  });

  test('in a statement is unavailable, its parameters unsaid, and the pool serves on', async () => {
    const { db, close } = connect(opened.url, { poolSize: 1 });
    const session = await fundedSession(db);
    await inTransaction(database, async (tx) => {
      await lockSession(tx, session.sessionId);
      const reserving = refused(reserveTurn(db, newTurn(session, { model: 'secret-word' })));
      await untilWaiting(database, 1);
      await tx.execute(terminateWaiting);
      const error = toAppError(await reserving);
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(everyWordOf(error)).not.toContain('secret-word');
    });
    expect(await reserveTurn(db, newTurn(session))).toMatchObject({ outcome: 'reserved' });
    await close();
  });
});

test('a transaction whose connection breaks is unavailable, and the process lives on', async () => {
  const { db, close } = connect(opened.url, { poolSize: 1 });
  const { sessionId } = await fundedSession(db);
  for (const end of ['terminate', 'cut'] as const) {
    const proxy = await openProxy(opened.url);
    const proxied = connect(proxy.url, { poolSize: 1 });
    await inTransaction(database, async (tx) => {
      await lockSession(tx, sessionId);
      const waiting = refused(inTransaction(proxied.db, (other) => lockSession(other, sessionId)));
      await untilWaiting(database, 1);
      if (end === 'cut') proxy.cut();
      else await tx.execute(terminateWaiting);
      expect(toAppError(await waiting)).toMatchObject({ code: 'unavailable' });
    });
    await proxied.close();
    await proxy.close();
  }
  await close();
});

test('a transaction whose statement takes too long gives no connection back that is still at work', async () => {
  const { db, close } = connect(opened.url, { poolSize: 1 });
  db.$client.options.query_timeout = 100;
  const { sessionId } = await fundedSession(database);
  await inTransaction(database, async (tx) => {
    await lockSession(tx, sessionId);
    const waiting = await refused(inTransaction(db, (other) => lockSession(other, sessionId)));
    expect(toAppError(waiting)).toMatchObject({ code: 'unavailable' });
    expect(db.$client.totalCount).toBe(0);
  });
  await close();
});

describe('a deadlock of two transactions', () => {
  /** Two transactions that lock a session each, and then want the other's. */
  async function deadlock(
    wantOther: (tx: Tx, session: TestSession) => Promise<unknown>,
  ): Promise<{ one: TestSession; two: TestSession; attempts: number }> {
    const [one, two] = [await unpaidSession(database), await unpaidSession(database)];
    const bothLocked = Promise.withResolvers<void>();
    const oneDone = Promise.withResolvers<void>();
    let attempts = 0;
    let locked = 0;
    const lockBoth = async (first: TestSession, other: TestSession) => {
      await inTransaction(database, async (tx) => {
        attempts += 1;
        if (attempts > 2) await oneDone.promise; // or it may be quicker than the one that was let go, and meet it again
        await tx.execute('SET LOCAL deadlock_timeout = 50');
        await lockSession(tx, first.sessionId);
        locked += 1;
        if (locked === 2) bothLocked.resolve();
        await bothLocked.promise;
        await wantOther(tx, other);
      });
      oneDone.resolve();
    };
    await Promise.all([lockBoth(one, two), lockBoth(two, one)]);
    return { one, two, attempts };
  }

  test('lets one go and runs the other again', async () => {
    const { attempts } = await deadlock((tx, { sessionId }) => lockSession(tx, sessionId));
    expect(attempts).toBe(3);
  });

  test('does so too when a statement with retries of its own is the victim', async () => {
    const { one, two } = await deadlock((tx, { paymentHash }) => creditPayment(tx, { paymentHash, receivedMsat: 5n }));
    for (const { sessionId } of [one, two]) {
      expect(await readSession(database, sessionId)).toMatchObject({ balanceMsat: 5n });
    }
  });
});

test('a transaction that fails for another reason is not tried again, and leaves nothing', async () => {
  const { sessionId } = await fundedSession(database);
  let attempts = 0;
  const failing = inTransaction(database, async (tx) => {
    attempts += 1;
    await appendMessage(tx, { sessionId, role: 'user', content: 'undone' });
    throw new RangeError('a reason of its own');
  });
  await expect(failing).rejects.toThrow('a reason of its own');
  expect(attempts).toBe(1);
  expect(await readSession(database, sessionId)).toMatchObject({ messageCount: 0 });
});

test('the migrations make the schema that the code declares: there is nothing to generate', async () => {
  const folder = new URL('../migrations/meta/', import.meta.url);
  const { entries } = JSON.parse(await readFile(new URL('_journal.json', folder), 'utf8'));
  const newest = String(entries.at(-1).idx).padStart(4, '0');
  const migrated = JSON.parse(await readFile(new URL(`${newest}_snapshot.json`, folder), 'utf8'));
  expect(await generateMigration(migrated, generateDrizzleJson({ ...schema }))).toEqual([]);
});
