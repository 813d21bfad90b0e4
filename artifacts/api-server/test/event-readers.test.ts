/** How many may read, for how long, and what is left when they have gone: nothing. */
import { problemSchema } from '@timmy-tower/contract';
import { openTestDatabase } from '@timmy-tower/db/testing';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { createSessionKey, hashSessionKey } from '../src/sessions/session-key.ts';
import { MOST_UNPAID_OF_NETWORK } from '../src/sessions/unpaid-readers.ts';
import { WatchedSessions } from '../src/sessions/watched-sessions.ts';
import { openTestApp, type TestSession, until } from './harness.ts';
import { server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';
import { askForEvents, looksAmong, watch, type Watcher } from './watchers.ts';

useServer();
afterEach(async () => {
  vi.useRealTimers();
  await until(() => server.deps.watchedSessions.size === 0);
});

const readerCount = () => server.deps.watchedSessions.size;
const leaveAll = (watchers: readonly Watcher[]) => Promise.all(watchers.map(({ leave }) => leave()));

/** So many readers that have begun. */
async function watchTimes(count: number, session: Pick<TestSession, 'id' | 'key'>): Promise<Watcher[]> {
  const watchers: Watcher[] = [];
  for (let n = 0; n < count; n += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one is older than the next
    const watcher = await watch(server, session);
    watchers.push(watcher);
    // oxlint-disable-next-line no-await-in-loop
    await watcher.next();
  }
  return watchers;
}

async function addKey({ id }: TestSession): Promise<{ id: string; key: string }> {
  const key = createSessionKey(id);
  await server.query('INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [id, hashSessionKey(key)]);
  return { id, key };
}

describe('readers of one session', () => {
  test('are eight of a key: one more ends the oldest of that key, and says so', async () => {
    const session = await server.fund();
    const other = await watchTimes(1, await addKey(session));
    const watchers = await watchTimes(9, session);
    expect(await watchers[0]!.ended()).toMatchObject({
      type: '/problems/too-many-readers',
      code: 'too-many-readers',
      status: 429,
      detail: expect.stringContaining('GET /sessions/{id}'),
    });
    expect(await watchers[0]!.next()).toBeUndefined();
    expect(readerCount()).toBe(9);
    await session.ask('the others still see this');
    for (const watcher of [...other, ...watchers.slice(1)]) {
      // oxlint-disable-next-line no-await-in-loop
      await watcher.nextWith(({ balanceMsat }) => balanceMsat < 1_000_000);
    }
    await leaveAll([...other, ...watchers]);
  });

  test('are 32 in all, whatever their keys: one more ends the oldest', async () => {
    const session = await server.fund();
    const keys = [session, ...(await Promise.all(Array.from({ length: 4 }, () => addKey(session))))];
    const oldest = await watchTimes(4, keys[0]!);
    const watchers = (await Promise.all(keys.slice(1).map((key) => watchTimes(7, key)))).flat();
    expect(readerCount()).toBe(32);
    const newest = await watchTimes(1, keys[4]!);
    expect(await oldest[0]!.ended()).toMatchObject({ code: 'too-many-readers' });
    expect(readerCount()).toBe(32);
    await leaveAll([...oldest, ...watchers, ...newest]);
  });
});

test('readers of sessions that are not paid are bounded by address; payers come in all the same', async () => {
  const sessions = await Promise.all(Array.from({ length: MOST_UNPAID_OF_NETWORK / 8 }, () => server.open(10)));
  const watchers = (await Promise.all(sessions.map((session) => watchTimes(8, session)))).flat();
  expect(readerCount()).toBe(MOST_UNPAID_OF_NETWORK);
  const [payer, stranger] = await Promise.all([server.fund(10), server.open(10)]);

  const refused = await askForEvents(server, stranger);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  expect(problemSchema.parse(await refused.json())).toMatchObject({ code: 'rate-limited' });
  await leaveAll(await watchTimes(1, payer));

  await server.wallet.pay(sessions[0]!.invoice.bolt11);
  await watchers[0]!.nextWith(({ status }) => status === 'active');
  const instead = await watchTimes(8, stranger);
  expect((await askForEvents(server, sessions[1]!)).status).toBe(429);
  await watchers.pop()!.leave();
  instead.push(...(await watchTimes(1, await server.open(10))));
  await leaveAll([...watchers, ...instead]);
});

test('nobody reads: nothing is asked of the database, and no timer runs', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const session = await server.open();
  const watchers = await watchTimes(8, session);
  expect(vi.getTimerCount(), 'to look and to ping, however many read').toBe(2);
  await statementsDuring(server, async (soFar) => {
    await vi.advanceTimersByTimeAsync(500);
    await until(() => looksAmong(soFar()).length > 0);
  });
  await leaveAll(watchers);
  expect(readerCount()).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('HEAD answers the headers alone, and leaves nothing behind', async () => {
  const session = await server.open();
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => askForEvents(server, { ...session, method: 'HEAD' })),
  );
  for (const { status, headers, body } of responses) {
    expect([status, headers.get('content-type'), body]).toEqual([200, 'text/event-stream', null]);
  }
  expect(readerCount()).toBe(0);
  const refused = await askForEvents(server, { id: session.id, method: 'HEAD' });
  expect(refused.status).toBe(401);
});

test('a reader who takes nothing is cut after two pings, one who reads is not', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const session = await server.fund();
  const reading = (await askForEvents(server, session)).body!.getReader();
  const pings: string[] = [];
  const readOn = async (): Promise<void> => {
    const { value, done } = await reading.read();
    if (done) return;
    pings.push(new TextDecoder().decode(value));
    return readOn();
  };
  const read = readOn();
  const idle = (await askForEvents(server, session)).body!.getReader();
  await idle.read();
  expect(readerCount()).toBe(2);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(readerCount()).toBe(2);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(readerCount()).toBe(1);
  expect(new TextDecoder().decode((await idle.read()).value)).toBe(': ping\n\n');
  expect((await idle.read()).done, 'no pings piled up').toBe(true);
  await reading.cancel();
  await read;
  expect(pings.slice(1)).toEqual(Array.from({ length: 242 }, () => ': ping\n\n'));
});

test('an invoice expires when the database says so, without a word from the database', async () => {
  const session = await server.open();
  const [row] = await server.query<{ at: Date }>(
    `UPDATE invoices SET expires_at = clock_timestamp() + interval '3 s' WHERE session_id = $1 RETURNING expires_at AS at`,
    [session.id],
  );
  // This server's own clock is years behind.
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
  const { next, leave } = await watch(server, session);
  expect(await next()).toMatchObject({ invoice: { status: 'pending' } });
  const statements = await statementsDuring(server, async () => {
    expect(await next()).toMatchObject({ invoice: { status: 'expired', expiresAt: row!.at.toISOString() } });
  });
  const [now] = await server.query<{ at: Date }>('SELECT clock_timestamp() AS at');
  const lateMs = now!.at.getTime() - row!.at.getTime();
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(10_000);
  expect(statements.filter((text) => text.includes('balance_msat'))).toEqual([]);
  await leave();
});

test('a database that does not answer is logged once; who reads stays, and sees what changed meanwhile', async () => {
  const database = await openTestDatabase();
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const watchedSessions = new WatchedSessions({ db: database.db, log, sessionIdleDays: 30 });
  const other = await openTestApp({ database, deps: { watchedSessions } });
  try {
    const session = await other.fund(100);
    const { next, leave } = await watch(other, session);
    await next();
    for (const [outages, status] of ['closed', 'active'].entries()) {
      // oxlint-disable no-await-in-loop -- one outage after the other
      await other.query('ALTER TABLE sessions RENAME TO sessions_elsewhere');
      await until(() => lines.length === outages + 1);
      await statementsDuring(other, (soFar) => until(() => looksAmong(soFar()).length > 2));
      expect(lines.filter((line) => line.includes('watched sessions'))).toHaveLength(outages + 1);
      await other.query('ALTER TABLE sessions_elsewhere RENAME TO sessions');
      await other.query('UPDATE sessions SET status = $2 WHERE id = $1', [session.id, status]);
      expect(await next()).toMatchObject({ status });
      // oxlint-enable no-await-in-loop
    }
    await leave();
  } finally {
    await other.close();
    await database.close();
  }
});

test('a session whose version went back, in a database that was put back, is read again', async () => {
  const session = await server.fund(100);
  await session.ask('a turn, before what is kept of it');
  const { next, leave } = await watch(server, session);
  await next();
  const client = await server.deps.db.$client.connect();
  await client.query("SET session_replication_role = 'replica'"); // no trigger raises it
  await client.query("UPDATE sessions SET version = 0, status = 'closed' WHERE id = $1", [session.id]);
  client.release(true);
  expect(await next()).toMatchObject({ status: 'closed' });
  await leave();
});
