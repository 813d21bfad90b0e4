import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { appendMessage, getSessionHistory, listMessages } from './history.ts';
import { sessionMessages } from './schema.ts';
import { createHistorySession } from './sessions.ts';
import { openTestDatabase, type TestDatabase } from './testing.ts';
import { heuristicTokens } from './history/tokens.ts';
import { inTransaction } from './transaction.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** A session with the given messages, said by turns, each a transaction of its own. */
async function sessionWith(...contents: string[]): Promise<string> {
  const { db } = database;
  const sessionId = await createHistorySession(db);
  for (const [index, content] of contents.entries()) {
    const role = index % 2 === 0 ? 'user' : 'assistant';
    await inTransaction(db, (tx) => appendMessage(tx, { sessionId, role, content }));
  }
  return sessionId;
}

const contents = async (sessionId: string, ...bounds: [maxMessages?: number, tokenBudget?: number]) => {
  const [maxMessages = 8, tokenBudget = 4000] = bounds;
  const history = await getSessionHistory(sessionId, maxMessages, tokenBudget, database.db);
  return history.map((message) => message.content);
};

describe('getSessionHistory', () => {
  test('gives role and content, oldest first, and nothing else', async () => {
    const sessionId = await sessionWith('one', 'two', 'three');
    expect(await getSessionHistory(sessionId, 8, 4000, database.db)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'three' },
    ]);
  });

  test('gives the newest eight unless told otherwise', async () => {
    const sessionId = await sessionWith(...Array.from({ length: 11 }, (_, index) => `m${index}`));
    expect(await contents(sessionId)).toEqual(['m3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10']);
    expect(await contents(sessionId, 2)).toEqual(['m9', 'm10']);
    expect(await contents(sessionId, 100)).toHaveLength(11);
  });

  test('trims from the oldest until the stored token counts fit the budget', async () => {
    const sessionId = await sessionWith('a'.repeat(40), 'b'.repeat(20), 'c'.repeat(20)); // 10, 5 and 5 tokens
    expect(await contents(sessionId, 8, 20)).toHaveLength(3);
    expect(await contents(sessionId, 8, 19)).toHaveLength(2);
    expect(await contents(sessionId, 8, 10)).toHaveLength(2);
    expect(await contents(sessionId, 8, 9)).toHaveLength(1);
  });

  test('is empty when the newest message alone is over the budget, whatever is before it', async () => {
    const sessionId = await sessionWith('small', 'b'.repeat(400));
    expect(await contents(sessionId, 8, 99)).toEqual([]);
  });

  test('with zero messages or zero tokens gives what that leaves', async () => {
    const sessionId = await sessionWith('one', '');
    expect(await contents(sessionId, 0)).toEqual([]);
    expect(await contents(sessionId, 8, 0)).toEqual(['']);
  });

  test.each([
    [-1, 4000],
    [1.5, 4000],
    [Number.NaN, 4000],
    [Infinity, 4000],
    [8, -1],
    [8, 0.5],
  ])('refuses the bounds %s and %s', async (maxMessages, tokenBudget) => {
    const sessionId = await sessionWith();
    await expect(getSessionHistory(sessionId, maxMessages, tokenBudget, database.db)).rejects.toThrow(RangeError);
  });

  test('of an unknown session is empty', async () => {
    expect(await contents('00000000-0000-4000-8000-000000000000')).toEqual([]);
  });

  test('reads inside a transaction what that transaction wrote', async () => {
    const sessionId = await sessionWith();
    await inTransaction(database.db, async (tx) => {
      await appendMessage(tx, { sessionId, role: 'user', content: 'not committed yet' });
      expect(await getSessionHistory(sessionId, 8, 4000, tx)).toHaveLength(1);
    });
  });
});

describe('the order of messages', () => {
  test('is the order of insertion when timestamps tie, as within one transaction', async () => {
    const { db } = database;
    const sessionId = await createHistorySession(db);
    const said = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const createdAt = new Date();
    for (const content of said) {
      await db.insert(sessionMessages).values({ sessionId, role: 'user', content, createdAt });
    }
    expect(await contents(sessionId, 20)).toEqual(said);
    const page = await listMessages(db, { sessionId, limit: 200, order: 'asc' });
    expect(page?.messages.map((message) => message.content)).toEqual(said);
  });

  test('survives a clock that steps back: a message is never dated before the newest', async () => {
    const { db } = database;
    const sessionId = await createHistorySession(db);
    const tomorrow = new Date(Date.now() + 86_400_000);
    await db.insert(sessionMessages).values({ sessionId, role: 'user', content: 'ahead', createdAt: tomorrow });
    const after = await inTransaction(db, (tx) =>
      appendMessage(tx, { sessionId, role: 'assistant', content: 'after' }),
    );
    expect(after.createdAt.getTime()).toBeGreaterThanOrEqual(tomorrow.getTime());
    expect(await contents(sessionId)).toEqual(['ahead', 'after']);
  });
});

describe('appendMessage', () => {
  const refusal = (sessionId: string, content: string) =>
    inTransaction(database.db, (tx) => appendMessage(tx, { sessionId, role: 'user', content })).catch(
      (error: unknown) => error,
    );

  test('refuses an unknown session, and repeats nothing of what was said', async () => {
    const error = await refusal('00000000-0000-4000-8000-000000000000', 'a secret');
    expect(error).toMatchObject({ code: 'session-not-found', message: expect.not.stringContaining('a secret') });
  });

  test('refuses what PostgreSQL cannot store', async () => {
    const sessionId = await sessionWith();
    expect(await refusal(sessionId, 'a\0b')).toMatchObject({ code: 'invalid-message' });
    expect(await contents(sessionId)).toEqual([]);
  });
});

describe('listMessages', () => {
  test('walks every message once, both ways, through ties and microseconds', async () => {
    const { db } = database;
    const sessionId = await createHistorySession(db);
    const count = 23;
    await db.$client.query(
      `INSERT INTO session_messages (session_id, role, content, created_at)
       SELECT $1, 'user', 'm' || i, now() + (i / 3) * interval '1 microsecond' FROM generate_series(0, $2) i ORDER BY i`,
      [sessionId, count - 1],
    );
    const said = Array.from({ length: count }, (_, index) => `m${index}`);
    for (const order of ['asc', 'desc'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      for (let hasMore = true; hasMore;) {
        const page = await listMessages(db, { sessionId, limit: 4, order, after });
        seen.push(...page!.messages.map((message) => message.content));
        after = page!.messages.at(-1)?.id;
        hasMore = page!.hasMore;
      }
      expect(seen).toEqual(order === 'asc' ? said : said.toReversed());
    }
  });

  test('knows the last message from a stranger', async () => {
    const { db } = database;
    const mine = await sessionWith('one', 'two');
    const theirs = await sessionWith('three');
    const [last] = (await listMessages(db, { sessionId: mine, limit: 1, order: 'desc' }))!.messages;
    const [foreign] = (await listMessages(db, { sessionId: theirs, limit: 1, order: 'desc' }))!.messages;
    expect(await listMessages(db, { sessionId: mine, limit: 5, order: 'asc', after: last!.id })).toEqual({
      messages: [],
      hasMore: false,
    });
    expect(await listMessages(db, { sessionId: mine, limit: 5, order: 'asc', after: foreign!.id })).toBeUndefined();
  });
});

test('the token heuristic is a quarter of the characters, rounded up', () => {
  expect([0, 1, 4, 5, 8].map((length) => heuristicTokens('x'.repeat(length)))).toEqual([0, 1, 1, 2, 2]);
});
