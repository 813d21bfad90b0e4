/** Whoever is stuck is ended in time, with a real transaction in the way: none of these waits for as long as it could. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';

import { AppError } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { LIMIT_SETTINGS } from '../src/connection.ts';
import { renewLeases } from '../src/leases.ts';
import { connect, openDatabase, type OpenedDatabase } from '../src/open.ts';
import { sqlState, toAppError } from '../src/pg-error.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { TIME_LIMITS_MS } from '../src/time-limits.ts';
import { type Database, inTransaction, lockSession } from '../src/transaction.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { fundedSession, newTurn, reserved, run, type TestSession } from './fixtures.ts';

type Send = (message?: object) => void;

let opened: TestDatabase;
/** As a server connects. */
let server: OpenedDatabase;
beforeAll(async () => {
  opened = await openTestDatabase({ poolSize: 20 });
  server = connect(opened.url, { timeLimits: true });
});
afterAll(async () => {
  await server.close();
  await opened.close();
});

const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it went well'),
    (error: unknown) => error,
  );

/** Keeps a session's lock until it is let go. */
async function lockedSession(database: Database): Promise<{ session: TestSession; letGo: () => Promise<void> }> {
  const session = await fundedSession(opened.db);
  const locked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const holding = inTransaction(database, async (tx) => {
    await lockSession(tx, session.sessionId);
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;
  return {
    session,
    async letGo() {
      gate.resolve();
      await holding;
    },
  };
}

const waitingFor = async ({ sessionId }: TestSession) => {
  const blocked = await run<{ query: string }>(
    opened.db,
    `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
    [`%${sessionId}%`],
  );
  return blocked.length;
};

test('each limit is above the one before it', () => {
  const limits = Object.values(TIME_LIMITS_MS);
  expect(limits).toEqual([...new Set(limits)].toSorted((a, b) => a - b));
});

test.concurrent('a lock that is not to be had is unavailable, and says when to come again', async () => {
  const { session, letGo } = await lockedSession(opened.db);
  const error = await refused(reserveTurn(server.db, newTurn(session)));
  expect(sqlState(error)).toBe('55P03');
  expect(toAppError(error)).toBeInstanceOf(AppError);
  expect(toAppError(error)).toMatchObject({ code: 'unavailable', fields: { retryAfterSeconds: 2 } });
  await letGo();
  expect(await reserveTurn(server.db, newTurn(session))).toMatchObject({ outcome: 'reserved' });
});

test.concurrent('a statement that takes too long is ended', async () => {
  const error = await refused(server.db.execute('SELECT pg_sleep(60)').execute());
  expect(sqlState(error)).toBe('57014');
  expect(toAppError(error)).toMatchObject({ code: 'unavailable', fields: { retryAfterSeconds: 2 } });
});

test.concurrent('who freezes within a transaction loses it, and its locks', async () => {
  const { session, letGo } = await lockedSession(server.db);
  const next = async (): Promise<unknown> => reserveTurn(server.db, newTurn(session)).catch(() => undefined);
  await expect.poll(next).toMatchObject({ outcome: 'reserved' });
  expect(toAppError(await refused(letGo()))).toMatchObject({ code: 'unavailable' });
});

test.concurrent('a server that does not answer at all is given up soon after its own limit', async () => {
  const network = await openNetwork(opened.url);
  const { db, close } = connect(network.url, { timeLimits: true });
  await db.execute('SELECT 1');
  network.swallow();
  const startedAt = performance.now();
  expect(toAppError(await refused(db.execute('SELECT 2').execute()))).toMatchObject({ code: 'unavailable' });
  expect(performance.now() - startedAt).toBeLessThan(2 * TIME_LIMITS_MS.answer);
  network.cut();
  await close();
});

test.concurrent('nothing stays blocked inside PostgreSQL for a caller who has left', async () => {
  const { session, letGo } = await lockedSession(opened.db);
  const network = await openNetwork(opened.url);
  const { db, close } = connect(network.url, { timeLimits: true });
  const leaving = Array.from({ length: 5 }, () =>
    refused(db.execute(sql.raw(`SELECT FROM sessions WHERE id = '${session.sessionId}' FOR UPDATE`)).execute()),
  );
  await expect.poll(() => waitingFor(session)).toBe(5);
  network.cut();
  await Promise.all(leaving);
  await expect.poll(() => waitingFor(session)).toBe(0);
  await letGo();
  await close();
});

test.concurrent('who freezes in the middle of a message loses its locks as well', async () => {
  const { sessionId } = await fundedSession(opened.db);
  const strict = await openDatabase(opened.url, { timeLimits: true });
  const frozen = await strict.db.$client.connect();
  frozen.on('error', () => {}); // it is ended
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's own way to send parts of a message
  const { connection } = frozen as unknown as { connection: Record<'parse' | 'bind' | 'execute' | 'flush', Send> };
  connection.parse({ text: `UPDATE sessions SET used_at = used_at WHERE id = '${sessionId}'` });
  connection.bind({});
  connection.execute({});
  connection.flush(); // and no Sync: it was done, it holds its locks, and nobody says that it may commit
  const lock = run(opened.db, `SELECT FROM sessions WHERE id = $1 FOR UPDATE`, [sessionId]); // or it waits for ever
  expect(await lock).toHaveLength(1);
  frozen.release(true);
  await strict.close();
});

test('leases are renewed while every connection of the pool is stuck', async () => {
  const { db, leaseDb, close } = connect(opened.url, { poolSize: 3 });
  const turn = await reserved(opened.db, await fundedSession(opened.db));
  const { session, letGo } = await lockedSession(opened.db);
  const stuck = Array.from({ length: 3 }, () => inTransaction(db, (tx) => lockSession(tx, session.sessionId)));
  await expect.poll(() => db.$client.totalCount).toBe(3);
  const lease = { owner: turn.owner, leaseMs: 1000, turns: [turn] };
  expect(await renewLeases(leaseDb, lease)).toEqual([{ requestId: turn.requestId, cancelRequested: false }]);
  await letGo();
  await Promise.all(stuck);
  await close();
});

test('nothing of this binds those who use the package in an app of their own', async () => {
  const set = `SELECT name FROM pg_settings WHERE name = ANY($1) AND setting <> '0' ORDER BY name`;
  const names = Object.keys(LIMIT_SETTINGS).toSorted((a, b) => a.localeCompare(b));
  expect(await run(opened.db, set, [names])).toEqual([]);
  expect(await run(server.db, set, [names])).toEqual(names.map((name) => ({ name })));
});

test('the README names the limits that a role needs behind a pooler', async () => {
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
  const statements = Object.entries(LIMIT_SETTINGS).map(([name, value]) => `SET ${name} = '${value}';`);
  expect(statements.filter((statement) => !readme.includes(statement))).toEqual([]);
});

/** A way to the database, which can be cut, or swallow all that is sent. */
async function openNetwork(url: string): Promise<{ url: string; swallow: () => void; cut: () => void }> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const way = createServer((client) => {
    const database = createConnection({ host: hostname, port: Number(port) });
    for (const socket of [client, database]) sockets.push(socket.on('error', () => socket.destroy()));
    client.pipe(database).pipe(client);
  });
  await once(way.listen(0, '127.0.0.1'), 'listening');
  const address = way.address();
  if (!address || typeof address === 'string') throw new Error('no port to listen on');
  const detour = new URL(url);
  detour.host = `127.0.0.1:${address.port}`;
  return {
    url: detour.href,
    swallow: () => sockets.forEach((socket) => socket.unpipe().pause()),
    cut() {
      way.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}
