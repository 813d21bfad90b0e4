/** What stands between a turn and a server that is losing it, or stopping; and that the tidying runs at all. */
import { openTestDatabase } from '@timmy-tower/db/testing';
import { expect, test } from 'vitest';

import { RunningTurns } from '../src/sessions/running-turns.ts';
import { openTestApp, until } from './harness.ts';
import { expectNothingHappened, openBeside, script, server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';

useServer();

test('a turn whose lease could not be renewed until it ran out is stopped', async () => {
  const { db, close } = await openTestDatabase();
  await close(); // no renewal reaches it
  const turns = new RunningTurns({ db, log: server.deps.log, leaseMs: 100 });
  const waiting = turns.add({ sessionId: 'a session', requestId: 'waits to be let in' });
  const turn = turns.add({ sessionId: 'a session', requestId: 'runs' });
  turn.begin();
  await until(() => turn.signal.aborted);
  expect(turn.signal.reason).toMatchObject({ code: 'lease-lost' });
  expect(waiting.signal.aborted).toBe(false); // it has no lease yet
  turn.end();
  waiting.end();
  await turns.close(0);
});

test('whoever reads the reply of a turn that is not let in is told that it has ended', async () => {
  const turn = server.deps.runningTurns.add({ sessionId: 'a session', requestId: 'is not let in' });
  let isTold = false;
  turn.reply.join({ wake: () => (isTold = true) });
  turn.end();
  expect([isTold, turn.reply.ending]).toMatchObject([true, { event: 'error', data: { code: 'unavailable' } }]);
});

test('a server that is stopping lets no new turn in', async () => {
  const stopping = await openBeside();
  const session = await stopping.fund();
  const closing = stopping.deps.runningTurns.close(0);
  let refused = await session.ask('hello', { body: { content: '' } });
  const statements = await statementsDuring(stopping, async () => {
    refused = await session.ask('too late');
  });
  expect(statements.filter((text) => text.includes('reserve_turn'))).toEqual([]);
  expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(script.callsAbout('too late')).toEqual([]);
  await closing;
  await stopping.close();
});

test('a turn that waits to be let in while the server begins to stop is waited for, and gives its hold back', async () => {
  const stopping = await openBeside();
  const session = await stopping.fund();
  const holder = await server.database.db.$client.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
  const asked = session.ask('let me in');
  await until(async () => {
    const [{ waiting } = { waiting: 0 }] = await server.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%reserve_turn%'`,
    );
    return waiting === 1;
  });
  let isClosed = false;
  const closing = stopping.deps.runningTurns.close(5000).then(() => (isClosed = true));
  expect(isClosed).toBe(false);
  await holder.query('COMMIT');
  holder.release();
  expect(await asked).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await closing;
  expect(script.callsAbout('let me in')).toEqual([]);
  await expectNothingHappened(await reopened(session));
  await stopping.close();

  /** The same session, asked of the server that goes on. */
  async function reopened(own: typeof session): Promise<typeof session> {
    const call: typeof own.call = (rest, init) => server.call(`/sessions/${own.id}${rest}`, { key: own.key, ...init });
    return { ...own, call, show: async () => (await call<Awaited<ReturnType<typeof own.show>>>('')).body };
  }
});

test('a server tidies up by itself: what idles expires, and what was never paid goes', async () => {
  const database = await openTestDatabase();
  const before = await openTestApp({ database, wallet: server.wallet, watch: false });
  const [idle, unpaid] = [await before.open(), await before.open()];
  await before.query(`UPDATE invoices SET next_lookup_at = NULL`);
  await before.query(`UPDATE sessions SET status = 'active', used_at = now() - interval '31 days' WHERE id = $1`, [
    idle.id,
  ]);
  const tidying = await openTestApp({ database, wallet: server.wallet });
  const statusOf = async () =>
    before.query<{ id: string; status: string }>('SELECT id, status FROM sessions ORDER BY created_at');
  await until(async () => JSON.stringify(await statusOf()) === JSON.stringify([{ id: idle.id, status: 'expired' }]));
  expect((await unpaid.call('')).status).toBe(404);
  await tidying.close();
  await before.close();
  await database.close();
});
