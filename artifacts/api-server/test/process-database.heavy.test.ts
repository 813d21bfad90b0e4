/**
 * PostgreSQL goes away and comes back under a running server: what needs it is told so and told nothing else, a turn that was
 * being settled is whole or absent, and everything goes on by itself.
 */
import { listLedger } from '@timmy-tower/db';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { type DatabaseProxy, openDatabaseProxy } from './database-proxy.ts';
import { until } from './harness.ts';
import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { call, type ClientSession, fundSession } from './server-client.ts';
import { type ServerProcess } from './server-process.ts';
import { USAGE } from './slow-model.ts';

let proxy: DatabaseProxy;
let server: ServerProcess;

useSurroundings();
beforeAll(async () => {
  proxy = await openDatabaseProxy(database.url);
  server = await place.start({ DATABASE_URL: proxy.url, ...model.env });
});
afterEach(() => proxy.restore());
afterAll(() => proxy[Symbol.asyncDispose]());

const CHARGE_MSAT = USAGE.input * 3 + USAGE.output * 15;

/** What the database itself has, past the server. */
const stored = async ({ id }: ClientSession) => {
  const { rows } = await database.db.$client.query<{ state: string; held: string; messages: number }>(
    `SELECT r.state, s.held_msat AS held,
       (SELECT count(*)::int FROM session_messages m WHERE m.session_request_id = r.id) AS messages
     FROM session_requests r JOIN sessions s ON s.id = r.session_id WHERE s.id = $1 ORDER BY r.created_at`,
    [id],
  );
  return rows;
};

const chargesOf = async ({ id }: ClientSession) =>
  (await listLedger(database.db, id)).filter(({ kind }) => kind === 'charge').map(({ amountMsat }) => amountMsat);

/** One whole turn, to see that all is well. */
const talk = async (session: ClientSession) => {
  const asking = session.ask('Are you there?');
  const turn = await model.called();
  await turn.say('I am.');
  turn.finish();
  expect(await asking).toMatchObject({ status: 200, body: { reply: { content: 'I am.' } } });
};

const endLease = ({ id }: ClientSession) =>
  database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE session_id = $1`,
    [id],
  );

test('while it is away everything that needs it answers 503 and tells nothing of it, and afterwards all goes on', async () => {
  const session = await fundSession(server);
  proxy.cut();
  await until(async () => (await call(server, '/readyz')).status === 503);
  const answers = await Promise.all([
    session.ask('Is anybody there? hunter2'),
    session.call<Record<string, unknown>>(''),
    session.call<Record<string, unknown>>('/messages'),
    session.call<Record<string, unknown>>('/messages', { method: 'DELETE' }),
    session.call<Record<string, unknown>>('/topup', { json: { amountSats: 100 } }),
    call<Record<string, unknown>>(server, '/sessions', { json: { amountSats: 100 } }),
    call<Record<string, unknown>>(server, '/readyz'),
  ]);
  const { hostname, port, password, pathname } = new URL(proxy.url);
  for (const { status, headers, body } of answers) {
    expect(status).toBe(503);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(Object.keys(body).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'code',
      'detail',
      'retryAfterSeconds',
      'status',
      'title',
      'type',
    ]);
    const text = JSON.stringify(body);
    for (const secret of [hostname, port, password, pathname.slice(1), 'hunter2', session.id, 'select', 'ECONN']) {
      expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
    }
  }
  expect(await call(server, '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });

  proxy.restore();
  expect((await call(server, '/readyz')).status).toBe(200);
  await talk(session);
});

test('an outage in the middle of a turn that is over before the turn is goes unnoticed', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Did you notice?');
  const turn = await model.called();
  proxy.cut();
  await turn.say('Notice what?');
  proxy.restore();
  turn.finish();
  expect(await asking).toMatchObject({ status: 200, body: { reply: { content: 'Notice what?' } } });
  expect(await chargesOf(session)).toEqual([BigInt(-CHARGE_MSAT)]);
});

test('all connections are terminated by an administrator, in the middle of a turn and between turns', async () => {
  const session = await fundSession(server);
  const terminate = () =>
    database.db.$client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  const asking = session.ask('Did you notice?');
  const turn = await model.called();
  await terminate();
  await turn.say('No.');
  turn.finish();
  expect((await asking).status).toBe(200);
  await terminate();
  // A read that meets a connection before its end is noticed answers 503; the next one is fine.
  await until(async () => (await session.show()).balanceMsat === 1_000_000 - CHARGE_MSAT);
  await talk(session);
});

test('the connection breaks before the settlement gets there: it is sent again, and the turn is whole', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Say it');
  const turn = await model.called();
  const gone = proxy.cutAt('settle_turn', 'before');
  await turn.say('It.');
  turn.finish();
  await gone;
  expect(await stored(session)).toMatchObject([{ state: 'running', messages: 0 }]);
  proxy.restore();
  expect(await asking).toMatchObject({ status: 200, body: { reply: { content: 'It.' } } });
  expect(await stored(session)).toEqual([{ state: 'completed', held: '0', messages: 2 }]);
  expect(await chargesOf(session)).toEqual([BigInt(-CHARGE_MSAT)]);
});

test('the answer to the settlement is lost: it is asked for again, and charged once', async () => {
  const session = await fundSession(server);
  const before = proxy.sent('settle_turn');
  const asking = session.ask('Say it once');
  const turn = await model.called();
  const gone = proxy.cutAt('settle_turn', 'after');
  await turn.say('Once.');
  turn.finish();
  await gone;
  await until(async () => (await stored(session))[0]?.state === 'completed');
  proxy.restore();
  const answer = await asking;
  expect(answer).toMatchObject({ status: 200, body: { reply: { content: 'Once.' } } });
  expect(proxy.sent('settle_turn')).toBeGreaterThan(before + 1);
  expect(await stored(session)).toEqual([{ state: 'completed', held: '0', messages: 2 }]);
  expect(await chargesOf(session)).toEqual([BigInt(-CHARGE_MSAT)]);
  expect(await session.request(answer.body.request.id)).toEqual(answer.body);
});

test('the answer to the reservation is lost: it is asked for again, and held once', async () => {
  const session = await fundSession(server);
  const gone = proxy.cutAt('reserve_turn', 'after');
  const asking = session.ask('Hold it');
  await gone;
  proxy.restore();
  const turn = await model.called();
  await turn.say('Held.');
  turn.finish();
  expect((await asking).status).toBe(200);
  expect(await stored(session)).toEqual([{ state: 'completed', held: '0', messages: 2 }]);
});

test('gone for longer than a settlement is tried for: the turn is absent, and the same key asks again', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Are you still there?', { idempotencyKey: 'still' });
  const turn = await model.called();
  const gone = proxy.cutAt('settle_turn', 'before');
  await turn.say('Yes.');
  turn.finish();
  await gone;
  const answer = await asking;
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', requestId: expect.any(String) } });
  proxy.restore();
  await endLease(session);
  await until(async () => (await session.show()).heldMsat === 0);
  expect(await session.request(answer.body.requestId!)).toMatchObject({ request: { state: 'failed', chargedMsat: 0 } });
  expect(await session.said()).toEqual([]);
  const retry = session.ask('Are you still there?', { idempotencyKey: 'still' });
  const again = await model.called();
  await again.say('Yes.');
  again.finish();
  expect(await retry).toMatchObject({ status: 200, body: { request: { chargedMsat: CHARGE_MSAT } } });
});

test('gone right after it settled, and for long: the caller is told 503, and the same key fetches the stored answer', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Keep this', { idempotencyKey: 'keep' });
  const turn = await model.called();
  const gone = proxy.cutAt('settle_turn', 'after');
  await turn.say('Kept.');
  turn.finish();
  await gone;
  const answer = await asking;
  expect(answer).toMatchObject({ status: 503, body: { requestId: expect.any(String) } });
  expect(answer.body.detail).not.toContain('Nothing was charged');
  proxy.restore();
  expect(await session.ask('Keep this', { idempotencyKey: 'keep' })).toMatchObject({
    status: 200,
    body: { request: { id: answer.body.requestId, chargedMsat: CHARGE_MSAT }, reply: { content: 'Kept.' } },
  });
  expect(await chargesOf(session)).toEqual([BigInt(-CHARGE_MSAT)]);
});

test('the credit of a payment is lost on its way, or its answer is: it is credited once', async () => {
  for (const when of ['before', 'after'] as const) {
    const gone = proxy.cutAt('credit_payment', when);
    const funding = fundSession(server, 100);
    await gone;
    proxy.restore();
    const session = await funding;
    expect((await listLedger(database.db, session.id)).map(({ amountMsat }) => amountMsat)).toEqual([100_000n]);
  }
});
