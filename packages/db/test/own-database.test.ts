/** What an app brings of its own: its Drizzle database, with its schema and its driver, its transactions, its pool. */
import { sql } from 'drizzle-orm';
import { drizzle as drizzleNodePg, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PgliteDatabase } from 'drizzle-orm/pglite';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePostgresJs, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';

import { appendMessage, getSessionHistory, listMessages } from '../src/history.ts';
import { addInvoice, creditPayment } from '../src/invoices.ts';
import { sqlState } from '../src/pg-error.ts';
import { createHistorySession } from '../src/sessions.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { type Db, inTransaction, queryRows, type Tx } from '../src/transaction.ts';
import { newInvoice, readSession, run, unpaidSession } from './fixtures.ts';
import { openPool } from './open-pool.ts';

const notes = pgTable('notes', { id: text('id').primaryKey() });
const schema = { notes };
type OwnSchema = typeof schema;
type Transaction<Own> = Own extends { transaction(body: (tx: infer Given) => Promise<unknown>): unknown }
  ? Given
  : never;

let opened: TestDatabase;
let pool: pg.Pool;
let postgresJs: postgres.Sql;
beforeAll(async () => {
  opened = await openTestDatabase();
  pool = openPool({ connectionString: opened.url });
  postgresJs = postgres(opened.url, { onnotice: () => {} });
  await run(opened.db, 'CREATE TABLE notes (id text PRIMARY KEY)');
});
afterAll(async () => {
  await pool.end();
  await postgresJs.end();
  await opened.close();
});

test('any Drizzle database of PostgreSQL fits, with any schema, and any of its transactions', () => {
  expectTypeOf<NodePgDatabase<OwnSchema>>().toExtend<Db>();
  expectTypeOf<PostgresJsDatabase<OwnSchema>>().toExtend<Db>();
  expectTypeOf<PgliteDatabase<OwnSchema>>().toExtend<Db>();
  expectTypeOf<PgDatabase<PgQueryResultHKT, OwnSchema>>().toExtend<Db>();
  expectTypeOf<Transaction<NodePgDatabase<OwnSchema>>>().toExtend<Tx>();
  expectTypeOf<Transaction<PostgresJsDatabase<OwnSchema>>>().toExtend<Tx>();
  expectTypeOf<Transaction<PgliteDatabase<OwnSchema>>>().toExtend<Tx>();
  expectTypeOf<NodePgDatabase<OwnSchema>>().not.toExtend<Tx>(); // appending needs a transaction
});

type OwnDatabase = NodePgDatabase<OwnSchema> | PostgresJsDatabase<OwnSchema>;

describe.each<[string, () => OwnDatabase]>([
  ['node-postgres', () => drizzleNodePg(pool, { schema })],
  ['postgres-js', () => drizzlePostgresJs(postgresJs, { schema })],
])('with an app’s own database, on %s', (driver, open) => {
  test('a history is kept beside what the app keeps, in one transaction of its own', async () => {
    const db = open();
    const sessionId = await createHistorySession(db);
    const remember = async (tx: Tx) => {
      await tx.insert(notes).values({ id: driver });
      await appendMessage(tx, { sessionId, role: 'user', content: 'one' });
      await appendMessage(tx, { sessionId, role: 'assistant', content: 'two' });
      expect(await getSessionHistory(sessionId, 1, 100, tx)).toEqual([{ role: 'assistant', content: 'two' }]);
    };
    await db.transaction(remember);
    await expect(
      db.transaction(async (tx) => {
        await appendMessage(tx, { sessionId, role: 'user', content: 'undone' });
        tx.rollback();
      }),
    ).rejects.toThrow('Rollback');

    expect(await getSessionHistory(sessionId, 8, 4000, db)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    const page = await listMessages(db, { sessionId, limit: 1, order: 'desc' });
    expect(page).toMatchObject({
      messages: [{ content: 'two', createdAt: expect.any(Date), tokenCount: 1 }],
      hasMore: true,
    });
    expect(await db.select().from(notes)).toContainEqual({ id: driver });
  });

  test('what PostgreSQL says of an error is understood, whatever its class', async () => {
    const db: Db = open();
    const error = await queryRows(db, sql`SELECT 1 / 0`).catch((refusal: unknown) => refusal);
    expect(sqlState(error)).toBe('22012'); // division_by_zero
  });
});

describe('on a pool of its own, whose transactions are serializable', () => {
  let serializable: pg.Pool;
  let own: NodePgDatabase<OwnSchema> & { $client: pg.Pool };
  beforeAll(() => {
    serializable = openPool({
      connectionString: opened.url,
      max: 8,
      options: '-c default_transaction_isolation=serializable',
    });
    own = drizzleNodePg(serializable, { schema });
  });
  afterAll(() => serializable.end());

  const eightTimesTwelve = (write: (name: string) => Promise<unknown>) =>
    Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        // oxlint-disable-next-line no-await-in-loop -- each writer writes one after the other
        for (let word = 0; word < 12; word++) await write(`${writer}.${word}`);
      }),
    );

  test('eight writers at once lose none of their messages', async () => {
    const sessionId = await createHistorySession(own);
    await eightTimesTwelve((content) =>
      inTransaction(own, (tx) => appendMessage(tx, { sessionId, role: 'user', content })),
    );
    const history = await getSessionHistory(sessionId, 100, 10_000, own);
    expect(new Set(history.map(({ content }) => content)).size).toBe(96);
  });

  test('a transaction has the isolation that it is written for', async () => {
    expect(await queryRows(own, sql`SHOW transaction_isolation`)).toEqual([{ transaction_isolation: 'serializable' }]);
    const inside = await inTransaction(own, (tx) => queryRows(tx, sql`SHOW transaction_isolation`));
    expect(inside).toEqual([{ transaction_isolation: 'read committed' }]);
  });

  test('eight payments at once are credited, each in a statement that meets the others', async () => {
    const { sessionId } = await unpaidSession(opened.db);
    await eightTimesTwelve(async () => {
      const invoice = newInvoice();
      await addInvoice(opened.db, sessionId, { ...invoice, mostPending: 96 });
      expect(await creditPayment(own, { paymentHash: invoice.paymentHash, receivedMsat: 1n })).toBe('applied');
    });
    expect(await readSession(opened.db, sessionId)).toMatchObject({ balanceMsat: 96n });
  });
});
