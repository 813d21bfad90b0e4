/** Many at once, and clocks that step back: what keeps messages in order in tables of others. */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { appendMessage, forgetMessages, getSessionHistory } from '../src/history/index.ts';
import { chatMessages, type ForeignApp, openForeignApp, say, ticketMessages, tickets } from './foreign-app.ts';
import { openPool } from './open-pool.ts';

let app: ForeignApp;
let db: ForeignApp['db'];
beforeAll(async () => {
  app = await openForeignApp();
  ({ db } = app);
});
afterAll(() => app.close());

/** A message that is ahead of the clock: it stepped back since. */
const sayAhead = (sessionId: string) =>
  db.insert(chatMessages).values({ ...say(sessionId, 'ahead'), createdAt: new Date(Date.now() + 86_400_000) });

describe('the order of messages', () => {
  test('is kept by the row’s lock: of eight writers at once none gets between another’s pair', async () => {
    const sessionId = await app.newChat();
    await sayAhead(sessionId);
    const pairs = Array.from({ length: 40 }, (_, pair) => [`${pair} asked`, `${pair} answered`]);
    await Promise.all(
      pairs.map((pair) =>
        db.transaction(async (tx) => {
          for (const content of pair) await appendMessage(tx, chatMessages, say(sessionId, content));
        }),
      ),
    );
    const contents = await app.contentsOf(sessionId);
    expect(contents).toHaveLength(81);
    const asked = contents.filter((content) => content.endsWith('asked')).map((content) => content.split(' ')[0]);
    expect(contents).toEqual(['ahead', ...asked.flatMap((pair) => [`${pair} asked`, `${pair} answered`])]);
  });

  test('is the order of appending, each later than the one before, also when the clock stepped back', async () => {
    const sessionId = await app.newChat();
    await sayAhead(sessionId);
    for (const content of ['one', 'two']) await appendMessage(db, chatMessages, say(sessionId, content));
    expect(await app.contentsOf(sessionId)).toEqual(['ahead', 'one', 'two']);
    const { rows } = await db.execute(
      sql`SELECT count(DISTINCT created_at)::int AS times FROM chat_messages WHERE session_id = ${sessionId}`,
    );
    expect(rows).toEqual([{ times: 3 }]);
  });

  test('is that of insertion where timestamps tie, whatever order the rows lie in', async () => {
    const sessionId = 'T-2';
    await db.insert(tickets).values({ id: sessionId });
    const createdAt = new Date();
    for (const content of ['one', 'two', 'three', 'four']) {
      await db.insert(ticketMessages).values({ ...say(sessionId, content), createdAt });
    }
    await db.execute(sql`UPDATE support.messages SET token_count = 1 WHERE content IN ('two', 'three')`); // these lie last now
    const history = await getSessionHistory(db, ticketMessages, { sessionId });
    expect(history.map(({ content }) => content)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('is kept in transactions that are serializable: of two that met, one is told to begin anew', async () => {
    const sessionId = await app.newChat();
    await sayAhead(sessionId);
    const attempts = Array.from({ length: 8 }, async (_, writer) => {
      const append = () =>
        db.transaction(
          async (tx) => {
            for (const word of ['a', 'b']) await appendMessage(tx, chatMessages, say(sessionId, `${writer}${word}`));
          },
          { isolationLevel: 'serializable' },
        );
      for (;;) {
        const outcome = await append().catch((error: unknown) => error);
        if (!(outcome instanceof Error)) return;
        expect(outcome.cause ?? outcome).toMatchObject({ code: '40001' });
      }
    });
    await Promise.all(attempts);
    const said = (await app.contentsOf(sessionId)).slice(1);
    expect(said).toHaveLength(16);
    expect(said.filter((_, index) => index % 2 === 1)).toEqual(
      said.filter((_, index) => index % 2 === 0).map((first) => first.replace('a', 'b')),
    );
  });

  test('cannot be kept in a REPEATABLE READ transaction, which is refused', async () => {
    const sessionId = await app.newChat();
    const appended = db.transaction((tx) => appendMessage(tx, chatMessages, say(sessionId, 'one')), {
      isolationLevel: 'repeatable read',
    });
    await expect(appended).rejects.toMatchObject({
      code: 'wrong-isolation',
      message: expect.stringContaining('READ COMMITTED'),
    });
    expect(await app.contentsOf(sessionId)).toEqual([]);
  });

  test('is kept on a pool whose transactions are REPEATABLE READ by themselves', async () => {
    const sessionId = await app.newChat();
    const theirs = openPool({
      connectionString: app.url,
      options: String.raw`-c default_transaction_isolation=repeatable\ read`,
    });
    await appendMessage(drizzle(theirs), chatMessages, say(sessionId, 'one'));
    await forgetMessages(drizzle(theirs), chatMessages, sessionId);
    expect(await app.contentsOf(sessionId)).toEqual([]);
    await theirs.end();
  });
});

describe('forgetting', () => {
  test('waits for who is about to append, and forgets that too; other sessions stay', async () => {
    const [mine, theirs] = [await app.newChat(), await app.newChat()];
    await appendMessage(db, chatMessages, say(theirs, 'stays'));
    let forgetting: Promise<void>;
    await db.transaction(async (tx) => {
      await appendMessage(tx, chatMessages, say(mine, 'one'));
      forgetting = forgetMessages(db, chatMessages, mine);
      const waiting = sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await expect.poll(async () => (await db.execute(waiting)).rows.length, { timeout: 10_000 }).toBe(1);
      await appendMessage(tx, chatMessages, say(mine, 'two'));
    });
    await forgetting!;
    expect(await app.contentsOf(mine)).toEqual([]);
    expect(await app.contentsOf(theirs)).toEqual(['stays']);
  });
});
