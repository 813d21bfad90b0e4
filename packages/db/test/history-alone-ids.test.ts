/** The history beside sessions that others tell apart in ways of their own, and ids that can be none. */
import { drizzle as drizzleNodePg } from 'drizzle-orm/node-postgres';
import {
  bigint,
  bigserial,
  boolean,
  customType,
  getTableConfig,
  integer,
  pgTable,
  serial,
  smallserial,
} from 'drizzle-orm/pg-core';
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js';
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
  type SessionsTable,
} from '../src/history/index.ts';
import { chatMessages, type ForeignApp, openForeignApp, say } from './foreign-app.ts';
import { onDatabase } from './migrations.ts';

/** Shown with a letter in front, stored as a number. */
const ticketNumber = customType<{ data: string; driverData: number }>({
  dataType: () => 'integer',
  toDriver: (shown) => Number(shown.slice(1)),
  fromDriver: (stored) => `T${stored}`,
});
const rooms = pgTable('rooms', { id: bigserial('id', { mode: 'bigint' }).primaryKey() });
const desks = pgTable('desks', { id: bigint('id', { mode: 'number' }).primaryKey() });
const seats = pgTable('seats', { id: integer('id').primaryKey() });
const tickets = pgTable('numbered_tickets', { id: ticketNumber('id').primaryKey() });
const roomMessages = sessionMessagesTable({ sessions: rooms, name: 'room_messages' });
const deskMessages = sessionMessagesTable({ sessions: desks, name: 'desk_messages' });
const seatMessages = sessionMessagesTable({ sessions: seats, name: 'seat_messages' });
const ticketMessages = sessionMessagesTable({ sessions: tickets, name: 'numbered_ticket_messages' });

const typeOfSession = (sessions: SessionsTable) =>
  getTableConfig(sessionMessagesTable({ sessions, name: 'messages' }))
    .columns.find(({ name }) => name === 'session_id')!
    .getSQLType();

const tables = (sessions: string, messages: string, type: string) => `
  CREATE TABLE ${sessions} (id ${type} PRIMARY KEY);
  CREATE TABLE ${messages} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id ${type} NOT NULL REFERENCES ${sessions} (id) ON DELETE CASCADE,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    role text NOT NULL,
    content text NOT NULL,
    token_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
  );`;

let app: ForeignApp;
let postgresJs: postgres.Sql;
beforeAll(async () => {
  app = await openForeignApp();
  await onDatabase(
    app.url,
    tables('rooms', 'room_messages', 'bigint') +
      tables('desks', 'desk_messages', 'bigint') +
      tables('seats', 'seat_messages', 'integer') +
      tables('numbered_tickets', 'numbered_ticket_messages', 'integer'),
  );
  postgresJs = postgres(app.url, { onnotice: () => {} });
});
afterAll(async () => {
  await postgresJs.end();
  await app.close();
});

test('a message refers to a session that counts by itself with the whole number that its id is', () => {
  const counting = {
    smallint: pgTable('s', { id: smallserial('id').primaryKey() }),
    integer: pgTable('s', { id: serial('id').primaryKey() }),
    bigint: pgTable('s', { id: bigserial('id', { mode: 'number' }).primaryKey() }),
  };
  for (const [type, sessions] of Object.entries(counting)) expect(typeOfSession(sessions)).toBe(type);
});

test('what is no text and no number tells no sessions apart', () => {
  const sides = pgTable('sides', { id: boolean('id').primaryKey() });
  // @ts-expect-error -- true and false
  expect(() => sessionMessagesTable({ sessions: sides, name: 'messages' })).not.toThrow();
});

describe.each<[string, () => HistoryDatabase]>([
  ['node-postgres', () => drizzleNodePg(app.pool)],
  ['postgres-js', () => drizzlePostgresJs(postgresJs)],
])('on %s', (driver, open) => {
  const shift = driver === 'postgres-js' ? 1 : 0;
  /** More than a double holds. */
  const room = 9_007_199_254_740_993n + BigInt(shift);

  test.each([
    ['a bigint', rooms, roomMessages, room],
    ['a number in a bigint', desks, deskMessages, 4_294_967_296 + shift],
    ['an integer', seats, seatMessages, 7 + shift],
    ['a type of the app’s own', tickets, ticketMessages, `T${12 + shift}`],
  ] as const)('an id may be %s', async (_what, sessions, table, sessionId) => {
    const db = open();
    await db.insert(sessions).values({ id: sessionId });
    const one = await appendMessage(db, table, { sessionId, role: 'user', content: 'one' });
    await appendMessage(db, table, { sessionId, role: 'assistant', content: 'two' });
    expect(one.sessionId).toBe(sessionId);
    expect(await getSessionHistory(db, table, { sessionId })).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    const behind = await listMessages(db, table, { sessionId, limit: 5, order: 'asc', after: one.id });
    expect(behind).toMatchObject({ messages: [{ content: 'two', sessionId }], hasMore: false });
    await forgetMessages(db, table, sessionId);
    expect(await getSessionHistory(db, table, { sessionId })).toEqual([]);
  });

  test('an id that can be none is refused as that, wherever one is given', async () => {
    const db = open();
    const sessionId = await app.newChat();
    const works = [
      () => appendMessage(db, chatMessages, say('no-uuid', 'a secret')),
      () => getSessionHistory(db, chatMessages, { sessionId: '42' }),
      () => listMessages(db, chatMessages, { sessionId: '', limit: 1, order: 'asc' }),
      () => listMessages(db, chatMessages, { sessionId, limit: 1, order: 'asc', after: 'no-uuid' }),
      () => forgetMessages(db, chatMessages, 'no-uuid'),
      () => getSessionHistory(db, seatMessages, { sessionId: 4_294_967_296 }),
      () => getSessionHistory(db, seatMessages, { sessionId: 1.5 }),
    ];
    for (const work of works) {
      const error = await work().then(String, (thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(HistoryError);
      expect(error).toMatchObject({ code: 'invalid-id', message: expect.stringContaining('as its table has it') });
      expect(error).toMatchObject({ message: expect.not.stringContaining('secret') });
    }
  });
});

test('an id has the type that the sessions have', () => {
  type Of = Parameters<typeof getSessionHistory<typeof roomMessages>>[2]['sessionId'];
  expectTypeOf<Of>().toEqualTypeOf<bigint>();
  expectTypeOf<(typeof seatMessages)['$inferSelect']['sessionId']>().toEqualTypeOf<number>();
  expectTypeOf<(typeof chatMessages)['$inferSelect']['sessionId']>().toEqualTypeOf<string>();
  const wrong = () =>
    // @ts-expect-error -- rooms have numbers
    getSessionHistory(app.db, roomMessages, { sessionId: 'text' });
  expect(wrong).toBeTypeOf('function');
});
