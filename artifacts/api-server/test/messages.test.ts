import { randomUUID } from 'node:crypto';

import {
  type Message,
  type MessagesPage,
  messagesPageSchema,
  type Problem,
  type TurnAnswer,
} from '@timmy-tower/contract';
import { beforeAll, describe, expect, test } from 'vitest';

import { type TestSession, until } from './harness.ts';
import { script, server, useServer } from './scripted-server.ts';

useServer();

/** A conversation of 15 turns, never changed. */
let long: TestSession;
beforeAll(async () => {
  long = await server.fund(10_000);
  for (let n = 0; n < 15; n++) await long.ask(`message ${n}`);
});

const page = async (session: TestSession, query = '') => {
  const { status, body } = await session.call<MessagesPage>(`/messages${query}`);
  expect(status).toBe(200);
  return messagesPageSchema.parse(body);
};

/** Reads page after page, as a client would. */
async function readAll(session: TestSession, order: string, limit: number) {
  const all: Message[] = [];
  for (;;) {
    const after = all.length ? `&after=${all.at(-1)!.id}` : '';
    const { messages, hasMore } = await page(session, `?order=${order}&limit=${limit}${after}`);
    all.push(...messages);
    if (!hasMore) return all;
    expect(messages).toHaveLength(limit);
  }
}

describe('the messages', () => {
  test('come in the order they were said, each with all its fields', async () => {
    const { messages, hasMore } = await page(long);
    expect(hasMore).toBe(false);
    expect(messages.map(({ content }) => content)).toEqual(
      Array.from({ length: 15 }, (_, n) => [`message ${n}`, `Said: message ${n}`]).flat(),
    );
    for (const [n, message] of messages.entries()) {
      expect(Object.keys(message).toSorted()).toEqual(
        ['id', 'sessionRequestId', 'role', 'content', 'tokenCount', 'createdAt'].toSorted(),
      );
      expect(message.role).toBe(n % 2 ? 'assistant' : 'user');
      expect(message.tokenCount).toBe(Math.ceil(message.content.length / 4));
      const { body } = await long.call<TurnAnswer>(`/requests/${message.sessionRequestId}`);
      expect(body.reply!.id).toBe(messages[n - (n % 2) + 1]!.id);
    }
  });

  test.each([1, 2, 3, 7, 29, 30, 31, 200])('are all read, once each, %i a page', async (limit) => {
    const { messages } = await page(long, '?limit=200');
    expect(await readAll(long, 'asc', limit)).toEqual(messages);
    expect(await readAll(long, 'desc', limit)).toEqual(messages.toReversed());
  });

  test('that share an instant are still all read, once each', async () => {
    const session = await server.fund();
    for (let n = 0; n < 4; n++) await session.ask(`message ${n}`);
    await server.query("UPDATE session_messages SET created_at = '2026-01-01T00:00:00.123456Z' WHERE session_id = $1", [
      session.id,
    ]);
    const { messages } = await page(session);
    expect(messages.map(({ content }) => content)).toEqual(
      Array.from({ length: 4 }, (_, n) => [`message ${n}`, `Said: message ${n}`]).flat(),
    );
    expect(await readAll(session, 'asc', 1)).toEqual(messages);
    expect(await readAll(session, 'desc', 1)).toEqual(messages.toReversed());
  });

  test('a microsecond apart are still all read, once each', async () => {
    const session = await server.fund();
    for (let n = 0; n < 3; n++) await session.ask(`message ${n}`);
    await server.query(
      `UPDATE session_messages SET created_at = timestamptz '2026-01-01T00:00:00.123400Z' + seq * interval '1 microsecond'
       WHERE session_id = $1`,
      [session.id],
    );
    const { messages } = await page(session);
    expect(messages).toHaveLength(6);
    expect(await readAll(session, 'asc', 1)).toEqual(messages);
    expect(await readAll(session, 'desc', 1)).toEqual(messages.toReversed());
  });

  test('come 50 a page by default', async () => {
    const session = await server.fund(10_000);
    for (let n = 0; n < 26; n++) await session.ask(`message ${n}`);
    expect(await page(session)).toMatchObject({ messages: { length: 50 }, hasMore: true });
    expect(await page(session, '?limit=52')).toMatchObject({ messages: { length: 52 }, hasMore: false });
  });

  test('after the last one are none, and of a new session are none', async () => {
    const { messages } = await page(long, '?limit=200');
    expect(await page(long, `?after=${messages.at(-1)!.id}`)).toEqual({ messages: [], hasMore: false });
    expect(await page(long, `?order=desc&after=${messages[0]!.id}`)).toEqual({ messages: [], hasMore: false });
    expect(await page(await server.open())).toEqual({ messages: [], hasMore: false });
  });

  test('of another session are no place to go on from, nor are those that never were', async () => {
    const other = await server.fund();
    await other.ask('hello');
    const foreign = (await page(other)).messages[0]!.id;
    for (const after of [foreign, randomUUID(), 'nonsense', '', '1']) {
      const { status, body } = await long.call<Problem>(`/messages?after=${after}`);
      expect([after, status, body.code]).toEqual([after, 422, 'invalid-request']);
    }
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=-1',
    'limit=1.5',
    'limit=many',
    'limit=',
    'limit=1e999',
    'order=up',
    'order=',
    'page=2',
  ])('with ?%s are refused, and the fault is named', async (query) => {
    const { status, body } = await long.call<Problem>(`/messages?${query}`);
    expect([status, body.code]).toEqual([422, 'invalid-request']);
    expect(JSON.stringify(body.errors)).toContain(query.split('=')[0]);
  });

  test('with two faults name both', async () => {
    const { body } = await long.call<Problem>('/messages?limit=0&order=up');
    expect(body.errors!.map(({ path }) => path).toSorted()).toEqual(['limit', 'order']);
  });
});

describe('forgetting the conversation', () => {
  test('answers 204, keeps the balance and the charges, and starts the history anew', async () => {
    const session = await server.fund();
    for (let n = 0; n < 6; n++) await session.ask(`message ${n}`);
    const before = await session.show();
    const { messages } = await page(session);
    const forgotten = await session.call('/messages', { method: 'DELETE' });
    expect([forgotten.status, forgotten.body]).toEqual([204, '']);
    expect(await session.show()).toMatchObject({ balanceMsat: before.balanceMsat, status: 'active' });
    expect(await page(session)).toEqual({ messages: [], hasMore: false });
    const stale = await session.call<Problem>(`/messages?after=${messages[3]!.id}`);
    expect([stale.status, stale.body.code]).toEqual([422, 'invalid-request']);

    const anew = await session.ask('anew');
    expect(anew.body.history).toEqual({ messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false });
    expect(script.callsAbout('anew')[0]!.prompt.history).toEqual([]);
    expect((await session.ask('next')).body.history).toMatchObject({ messages: 2, dropped: 0 });
    expect((await session.call('/messages', { method: 'DELETE' })).status).toBe(204);
    expect((await session.call('/messages', { method: 'DELETE' })).status).toBe(204);
  });

  test('leaves no word of it in the database', async () => {
    const session = await server.fund();
    await session.ask('the word is xyzzy-plugh', { idempotencyKey: 'k' });
    await session.call('/messages', { method: 'DELETE' });
    for (const table of ['sessions', 'session_requests', 'session_messages', 'ledger_entries', 'invoices']) {
      const rows = await server.query(`SELECT 1 FROM ${table} t WHERE to_jsonb(t)::text LIKE '%xyzzy-plugh%'`);
      expect(rows).toEqual([]);
    }
  });

  test('is refused with 409 while a turn runs', async () => {
    const session = await server.fund();
    await session.ask('earlier');
    const gate = Promise.withResolvers<void>();
    script.when('slow', { deltas: [gate.promise, 'Well'] });
    const running = session.ask('slow');
    await until(() => script.callsAbout('slow').length === 1);
    const { status, headers, body } = await session.call<Problem>('/messages', { method: 'DELETE' });
    gate.resolve();
    const { request } = (await running).body;
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'conversation-busy', requestId: request.id });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await page(session)).messages).toHaveLength(4);
  });

  test('does not touch other conversations', async () => {
    const [one, two] = await Promise.all([server.fund(), server.fund()]);
    await Promise.all([one.ask('hello'), two.ask('hello')]);
    await one.call('/messages', { method: 'DELETE' });
    expect((await page(two)).messages).toHaveLength(2);
  });
});
