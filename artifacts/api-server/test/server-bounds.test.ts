/** What all sessions together may take of one server, however many of them were paid: who comes beyond is told to come again. */
import { createScriptedAgent } from '@timmy-tower/agent/testing';
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createLog } from '../src/log.ts';
import { RunningTurns } from '../src/sessions/running-turns.ts';
import { WatchedSessions } from '../src/sessions/watched-sessions.ts';
import { expectBooksBalance, openTestApp, type TestApp, until } from './harness.ts';
import { askForEvents, watch } from './watchers.ts';

const gate = Promise.withResolvers<void>();
const agent = createScriptedAgent(() => ({ deltas: [gate.promise, 'Done'] }));
const log = createLog('silent');

let database: TestDatabase;
let server: TestApp;
beforeAll(async () => {
  database = await openTestDatabase();
  const { db, leaseDb } = database;
  const runningTurns = new RunningTurns({ db: leaseDb, log, mostTurns: 2 });
  const watchedSessions = new WatchedSessions({ db, log, sessionIdleDays: 30, mostReaders: 2 });
  server = await openTestApp({ database, agent, deps: { runningTurns, watchedSessions } });
});
afterAll(async () => {
  await server.close();
  await database.close();
});

test('so many turns run at once; one more is refused, uncharged, and let in when one has ended', async () => {
  const sessions = await Promise.all([server.fund(), server.fund(), server.fund()]);
  const [first, second, third] = sessions;
  const running = [first, second].map(async (session) => session.ask('Take your time'));
  await until(() => agent.calls.length === 2);
  const refused = await third.ask('Is there room?');
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable', retryAfterSeconds: 2 } });
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(await third.show()).toMatchObject({ balanceMsat: 1_000_000, heldMsat: 0 });
  gate.resolve();
  for (const { status } of await Promise.all(running)) expect(status).toBe(200);
  expect(await third.ask('Is there room now?')).toMatchObject({ status: 200 });
  await expectBooksBalance(server);
});

test('so many streams are read at once, paid or not; one more is refused, and let in when one has left', async () => {
  const sessions = [await server.fund(), await server.fund(), await server.fund()];
  const [first, second, third] = sessions;
  const readers = [await watch(server, first!), await watch(server, second!)];
  for (const reader of readers) expect(await reader.next()).toBeDefined();
  const refused = await askForEvents(server, third!);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('5');
  await readers[0]!.leave();
  await until(() => server.deps.watchedSessions.size === 1);
  const next = await watch(server, third!);
  expect(await next.next()).toBeDefined();
  await Promise.all([next.leave(), readers[1]!.leave()]);
});
