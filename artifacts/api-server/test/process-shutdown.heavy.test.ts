/** Stopping: running turns may finish, up to a deadline; nothing is left running and nothing half done. */
import { once } from 'node:events';
import { createServer } from 'node:net';

import { listDiscrepancies } from '@timmy-tower/db';
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { until } from './harness.ts';
import { call, fundSession } from './server-client.ts';
import { openPlace, type Place } from './server-process.ts';
import { openSlowModel } from './slow-model.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const stateOf = async (sessionId: string) => {
  const { rows } = await database.db.$client.query<{ state: string; charged: string; messages: number; held: string }>(
    `SELECT r.state, r.charged_msat AS charged, s.held_msat AS held,
       (SELECT count(*)::int FROM session_messages m WHERE m.session_request_id = r.id) AS messages
     FROM session_requests r JOIN sessions s ON s.id = r.session_id WHERE r.session_id = $1`,
    [sessionId],
  );
  return rows;
};

const refused = async (server: { url: string }) =>
  call(server, '/healthz').then(
    () => false,
    () => true,
  );

const start = (place: Place, env: Readonly<Record<string, string>>) =>
  place.start({ DATABASE_URL: database.url, ...env });

test.concurrent('SIGTERM lets a running turn finish: it is answered and stored, and then the server ends with 0', async () => {
  await using model = await openSlowModel();
  await using place = await openPlace();
  const server = await start(place, model.env);
  const session = await fundSession(server);
  const asking = session.ask('One moment, please');
  const turn = await model.called();
  server.signal('SIGTERM');
  await until(() => refused(server)); // takes nothing new
  await turn.say('Done in time.');
  turn.finish();
  expect(await asking).toMatchObject({
    status: 200,
    body: { request: { state: 'completed' }, reply: { content: 'Done in time.' } },
  });
  expect(await server.ended).toBe(0);
  expect(await stateOf(session.id)).toMatchObject([{ state: 'completed', messages: 2, held: '0' }]);
  // The tests' PostgreSQL does not wait for its disk, and a server that another test killed leaves a turn to be swept.
  const notOurs = /^(fsync is off|ended requests whose server is gone)/;
  expect(server.log().filter(({ level, msg }) => level >= 40 && !notOurs.test(msg))).toEqual([]);
});

test.concurrent('SIGINT lets a stream end in its done', async () => {
  await using model = await openSlowModel();
  await using place = await openPlace();
  const server = await start(place, model.env);
  const session = await fundSession(server);
  const events = await session.stream('One moment, please');
  const turn = await model.called();
  await turn.say('Almost');
  expect(await events.next()).toMatchObject({ value: { event: 'start' } });
  expect(await events.next()).toMatchObject({ value: { event: 'delta' } });
  server.signal('SIGINT');
  await until(() => refused(server));
  await turn.say(' there.');
  turn.finish();
  const rest = await Array.fromAsync(events);
  expect(rest.map(({ event }) => event)).toEqual(['delta', 'done']);
  expect(await server.ended).toBe(0);
  expect(await stateOf(session.id)).toMatchObject([{ state: 'completed', messages: 2, held: '0' }]);
});

test.concurrent('turns that hang past the deadline fail without a charge, streamed or not, and the server ends with 0', async () => {
  await using model = await openSlowModel();
  await using place = await openPlace();
  const server = await start(place, model.env);
  const [session, streamed] = await Promise.all([fundSession(server), fundSession(server)]);
  const asking = session.ask('Will you ever answer?');
  const turn = await model.called();
  const events = await streamed.stream('Will you ever stop?');
  await (await model.called()).say('I will');
  const signalled = performance.now();
  server.signal('SIGTERM');
  expect(await asking).toMatchObject({
    status: 503,
    body: { code: 'unavailable', detail: expect.stringContaining('shutting down') },
  });
  expect(performance.now() - signalled).toBeGreaterThan(9000);
  expect(await Array.fromAsync(events)).toMatchObject([
    { event: 'start' },
    { event: 'delta' },
    { event: 'error', data: { status: 503, code: 'unavailable' } },
  ]);
  await turn.closed; // the model was told to stop
  expect(await server.ended).toBe(0);
  const failed = [{ state: 'failed', charged: '0', messages: 0, held: '0' }];
  expect(await stateOf(session.id)).toEqual(failed);
  expect(await stateOf(streamed.id)).toEqual(failed);
  expect(await listDiscrepancies(database.db)).toEqual([]);
});

test.concurrent('told twice, it does not wait, and the next server tidies up', async () => {
  await using model = await openSlowModel();
  await using place = await openPlace();
  const server = await start(place, model.env);
  const session = await fundSession(server);
  const asking = session.ask('Will you ever answer?').catch(() => 'no answer');
  await model.called();
  server.signal('SIGINT');
  await until(() => server.output.stderr.includes('stopping'));
  server.signal('SIGINT');
  expect(await server.ended).toBe(130);
  expect(await asking).toBe('no answer');
  await database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE session_id = $1`,
    [session.id],
  );
  const again = session.on(await start(place, model.env));
  await until(async () => (await again.show()).heldMsat === 0);
  expect(await again.show()).toMatchObject({ balanceMsat: 1_000_000 });
});

test.concurrent.each(['SIGINT', 'SIGTERM'] as const)('%s while it starts ends it, and it says so', async (signal) => {
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, '127.0.0.1'); // a database that never answers
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await using place = await openPlace();
  const server = place.begin({ DATABASE_URL: `postgres://user:hunter2@127.0.0.1:${port}/none` });
  await asked.promise;
  server.signal(signal);
  await server.ended;
  expect(server.output.stderr).toBe(`timmy-tower was told to stop (${signal}) while it started.\n`);
  expect(server.output.stdout).not.toContain('running at');
  expect(await server.ended).toBe(signal === 'SIGINT' ? 130 : 143);
  silent.close();
});
