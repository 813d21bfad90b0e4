/** The history in tables of others: nothing of ours is in the database, and the schema, the driver and the pool are theirs. */
import { eq, sql } from 'drizzle-orm';
import { drizzle as drizzleNodePg, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { getTableConfig, type PgDatabase, type PgQueryResultHKT, type PgTable } from 'drizzle-orm/pg-core';
import type { PgliteDatabase } from 'drizzle-orm/pglite';
import { drizzle as drizzlePostgresJs, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';

import {
  appendMessage,
  forgetMessages,
  getSessionHistory,
  type HistoryDatabase,
  HistoryError,
  listMessages,
  sessionMessagesTable,
} from '../src/history/index.ts';
import {
  chatMessages,
  chats,
  type ForeignApp,
  NOBODY,
  openForeignApp,
  say,
  schema,
  ticketMessages,
  tickets,
} from './foreign-app.ts';

type OwnSchema = typeof schema;
type OwnDatabase = NodePgDatabase<OwnSchema> | PostgresJsDatabase<OwnSchema>;

let app: ForeignApp;
let db: ForeignApp['db'];
let postgresJs: postgres.Sql;
beforeAll(async () => {
  app = await openForeignApp();
  ({ db } = app);
  postgresJs = postgres(app.url, { onnotice: () => {} });
});
afterAll(async () => {
  await postgresJs.end();
  await app.close();
});

const refusal = (work: Promise<unknown>) => work.then(String, (error: unknown) => error);

type Transaction<Own> = Own extends { transaction(body: (tx: infer Given) => Promise<unknown>): unknown }
  ? Given
  : never;

test('any Drizzle database of PostgreSQL fits, and any of its transactions', () => {
  expectTypeOf<NodePgDatabase<OwnSchema>>().toExtend<HistoryDatabase>();
  expectTypeOf<PostgresJsDatabase<OwnSchema>>().toExtend<HistoryDatabase>();
  expectTypeOf<PgliteDatabase<OwnSchema>>().toExtend<HistoryDatabase>();
  expectTypeOf<PgDatabase<PgQueryResultHKT, OwnSchema>>().toExtend<HistoryDatabase>();
  expectTypeOf<Transaction<NodePgDatabase<OwnSchema>>>().toExtend<HistoryDatabase>();
  expectTypeOf<Transaction<PostgresJsDatabase<OwnSchema>>>().toExtend<HistoryDatabase>();
  expectTypeOf<Transaction<PgliteDatabase<OwnSchema>>>().toExtend<HistoryDatabase>();
});

test('a table of messages refers to its sessions by their own type of id, in their schema, and goes with them', () => {
  const referenceOf = (table: PgTable) => {
    const { schema: inSchema, columns, foreignKeys } = getTableConfig(table);
    const type = columns.find(({ name }) => name === 'session_id')!.getSQLType();
    const { onDelete } = foreignKeys[0]!;
    const { foreignTable, foreignColumns } = foreignKeys[0]!.reference();
    return { inSchema, type, onDelete, to: [foreignTable, foreignColumns[0]] };
  };
  expect(referenceOf(chatMessages)).toEqual({
    inSchema: undefined,
    type: 'uuid',
    onDelete: 'cascade',
    to: [chats, chats.id],
  });
  expect(referenceOf(ticketMessages)).toEqual({
    inSchema: 'support',
    type: 'text',
    onDelete: 'cascade',
    to: [tickets, tickets.id],
  });
});

describe.each<[string, () => OwnDatabase]>([
  ['node-postgres', () => drizzleNodePg(app.pool, { schema })],
  ['postgres-js', () => drizzlePostgresJs(postgresJs, { schema })],
])('on %s', (driver, open) => {
  test('messages are written with a row of the app in one transaction, or not at all', async () => {
    const own: HistoryDatabase = open();
    const begin = (title: string, end: () => void) =>
      own.transaction(async (tx) => {
        const [chat] = await tx.insert(chats).values({ title }).returning();
        const sessionId = chat!.id;
        await appendMessage(tx, chatMessages, { sessionId, role: 'user', content: 'one' });
        await appendMessage(tx, chatMessages, { sessionId, role: 'assistant', content: 'two' });
        expect(await getSessionHistory(tx, chatMessages, { sessionId })).toHaveLength(2);
        end();
        return sessionId;
      });
    const sessionId = await begin(driver, () => {});
    const undone = begin(`${driver}, undone`, () => {
      throw new RangeError('no');
    });
    await expect(undone).rejects.toThrow('no');

    expect(await getSessionHistory(own, chatMessages, { sessionId })).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    expect(
      await db
        .select()
        .from(chats)
        .where(eq(chats.title, `${driver}, undone`)),
    ).toEqual([]);
  });

  test('what is written comes back as the database has it', async () => {
    const sessionId = await app.newChat();
    const written = await appendMessage(open(), chatMessages, { sessionId, role: 'assistant', content: 'hello' });
    expect(written).toEqual({
      id: expect.any(String),
      sessionId,
      seq: expect.any(Number),
      role: 'assistant',
      content: 'hello',
      tokenCount: 2,
      createdAt: expect.any(Date),
    });
    const page = await listMessages(open(), chatMessages, { sessionId, limit: 1, order: 'desc' });
    expect(page).toEqual({ messages: [written], hasMore: false });
    expect(() => JSON.stringify(page)).not.toThrow();
  });
});

test('sessions may be in another schema, under ids that are texts, in a column of any name', async () => {
  const sessionId = 'T-1';
  await db.insert(tickets).values({ id: sessionId });
  for (const content of ['one', 'two']) await appendMessage(db, ticketMessages, say(sessionId, content));
  expect(await getSessionHistory(db, ticketMessages, { sessionId, maxMessages: 1 })).toEqual([
    { role: 'user', content: 'two' },
  ]);
  const page = await listMessages(db, ticketMessages, { sessionId, limit: 1, order: 'asc' });
  expect(page).toMatchObject({ messages: [{ content: 'one' }], hasMore: true });
  await forgetMessages(db, ticketMessages, sessionId);
  expect(await getSessionHistory(db, ticketMessages, { sessionId })).toEqual([]);
});

test('in a transaction that is given, appending is two statements: no savepoint of its own', async () => {
  const sessionId = await app.newChat();
  const statements: string[] = [];
  const logged = drizzleNodePg(app.pool, { logger: { logQuery: (statement) => statements.push(statement) } });
  await logged.transaction((tx) => appendMessage(tx, chatMessages, say(sessionId, 'one')));
  expect(statements.map((statement) => statement.split(' ')[0])).toEqual(['begin', 'select', 'insert', 'commit']);
});

describe('the history', () => {
  test('is the newest eight within 4000 tokens, oldest first, unless told otherwise', async () => {
    const sessionId = await app.newChat();
    for (let index = 0; index < 10; index++) await appendMessage(db, chatMessages, say(sessionId, `m${index}`));
    const contents = async (bounds: { maxMessages?: number; tokenBudget?: number }) =>
      (await getSessionHistory(db, chatMessages, { sessionId, ...bounds })).map(({ content }) => content);
    expect(await contents({})).toEqual(['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
    expect(await contents({ maxMessages: 100, tokenBudget: 3 })).toEqual(['m7', 'm8', 'm9']);
    expect(await contents({ maxMessages: 0 })).toEqual([]);
    await appendMessage(db, chatMessages, say(sessionId, 'x'.repeat(16_001)));
    expect(await contents({})).toEqual([]);
  });

  test.each([{ maxMessages: -1 }, { maxMessages: 1.5 }, { tokenBudget: Number.NaN }])(
    'refuses the bounds %o',
    async (bounds) => {
      await expect(getSessionHistory(db, chatMessages, { sessionId: NOBODY, ...bounds })).rejects.toThrow(RangeError);
    },
  );

  test('of a session that nobody knows is empty', async () => {
    expect(await getSessionHistory(db, chatMessages, { sessionId: NOBODY })).toEqual([]);
  });
});

describe('pages', () => {
  test('walk every message once, both ways, through ties and microseconds', async () => {
    const sessionId = await app.newChat();
    await db.execute(sql`INSERT INTO chat_messages (session_id, role, content, created_at)
      SELECT ${sessionId}, 'user', 'm' || i, now() + (i / 3) * interval '1 microsecond' FROM generate_series(0, 22) i`);
    const said = Array.from({ length: 23 }, (_, index) => `m${index}`);
    for (const order of ['asc', 'desc'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      for (let hasMore = true; hasMore;) {
        const page = await listMessages(db, chatMessages, { sessionId, limit: 4, order, after });
        seen.push(...page!.messages.map(({ content }) => content));
        after = page!.messages.at(-1)?.id;
        hasMore = page!.hasMore;
      }
      expect(seen).toEqual(order === 'asc' ? said : said.toReversed());
    }
  });

  test('behind a message of another session there are none', async () => {
    const sessionId = await app.newChat();
    const foreign = await appendMessage(db, chatMessages, say(await app.newChat(), 'theirs'));
    expect(await listMessages(db, chatMessages, { sessionId, limit: 5, order: 'asc', after: foreign.id })).toBe(
      undefined,
    );
  });

  test('have a limit that is whole', async () => {
    await expect(listMessages(db, chatMessages, { sessionId: NOBODY, limit: -1, order: 'asc' })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('what cannot be is refused, and nothing of it is repeated', () => {
  const SECRET = 'a secret';

  test('a session that nobody knows', async () => {
    const error = await refusal(appendMessage(db, chatMessages, say(NOBODY, SECRET)));
    expect(error).toBeInstanceOf(HistoryError);
    expect(error).toMatchObject({
      code: 'session-not-found',
      message: expect.stringContaining('insert its row first'),
    });
    await expect(forgetMessages(db, chatMessages, NOBODY)).rejects.toMatchObject({ code: 'session-not-found' });
  });

  test.each([
    ['U+0000', { content: `${SECRET}\0` }],
    ['half a character', { content: `${SECRET}\uD83D` }],
    ['a content that is no text', { content: undefined }],
    ['a role of others', { role: 'system' }],
  ])('a message with %s', async (_what, fault) => {
    const sessionId = await app.newChat();
    const message = { ...say(sessionId, SECRET), ...fault };
    const error = await refusal(Reflect.apply(appendMessage, undefined, [db, chatMessages, message])); // as JavaScript may
    expect(error).toMatchObject({ code: 'invalid-message', message: expect.not.stringContaining(SECRET) });
    expect(await app.contentsOf(sessionId)).toEqual([]);
  });

  test('a table that their migrations have not made: the cause has PostgreSQL’s own code', async () => {
    const missing = sessionMessagesTable({ sessions: chats, name: 'missing' });
    const sessionId = await app.newChat();
    const works = [
      () => appendMessage(db, missing, say(sessionId, SECRET)),
      () => getSessionHistory(db, missing, { sessionId }),
      () => listMessages(db, missing, { sessionId, limit: 1, order: 'asc' }),
      () => forgetMessages(db, missing, sessionId),
    ];
    for (const work of works) {
      const error = await refusal(work());
      expect(error).toMatchObject({ code: 'database-failed', cause: { code: '42P01' } });
      expect(error).toMatchObject({ message: expect.not.stringContaining(SECRET) });
    }
  });

  test('a database that is not there', async () => {
    const nowhere = drizzleNodePg('postgres://nobody:secret@127.0.0.1:1/nothing');
    const unreachable = { code: 'database-failed', cause: { code: 'ECONNREFUSED' } };
    const history = getSessionHistory(nowhere, chatMessages, { sessionId: NOBODY });
    await expect(history).rejects.toMatchObject(unreachable);
    await expect(appendMessage(nowhere, chatMessages, say(NOBODY, SECRET))).rejects.toMatchObject(unreachable);
  });
});
