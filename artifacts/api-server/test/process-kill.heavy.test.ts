/** Promise 7: a server killed at any instant leaves no stuck hold, no lost payment and no half-written turn. */
import type { TopUp } from '@timmy-tower/contract';
import { listDiscrepancies, listLedger } from '@timmy-tower/db';
import { openTestDatabase } from '@timmy-tower/db/testing';
import { expect, test } from 'vitest';

import { until } from './harness.ts';
import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { type ClientSession, fundSession, openSession, pay } from './server-client.ts';
import { type ServerProcess } from './server-process.ts';
import { saying } from './slow-model.ts';

useSurroundings('per test');

const start = () => place.start({ DATABASE_URL: database.url, ...model.env });

/** As if the time had passed that a lease lasts. */
const endLeases = () =>
  database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE state = 'running'`,
  );

/** Asks, and does not mind that no answer ever comes. */
const askInVain = (session: ClientSession, content: string, idempotencyKey: string) =>
  session.ask(content, { idempotencyKey }).catch(() => undefined);

const moneyOf = async (session: ClientSession) => {
  const { balanceMsat, heldMsat } = await session.show();
  return { balanceMsat, heldMsat };
};

const depositsOf = async ({ id }: ClientSession) =>
  (await listLedger(database.db, id)).filter(({ kind }) => kind === 'deposit').map(({ amountMsat }) => amountMsat);

const statementsWaitingForALock = async () => {
  const { rows } = await database.db.$client.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]?.count;
};

test('killed while the model thinks: the sweep gives the hold back, and the same idempotency key asks anew', async () => {
  const first = await start();
  const session = await fundSession(first);
  const asked = askInVain(session, 'What is tea?', 'tea');
  await model.called();
  expect((await session.show()).heldMsat).toBeGreaterThan(0);
  await first.kill();
  await asked;

  await endLeases();
  const again = session.on(await start());
  await until(async () => (await again.show()).heldMsat === 0);
  expect(await moneyOf(again)).toEqual({ balanceMsat: 1_000_000, heldMsat: 0 });
  expect(await again.said()).toEqual([]);

  model.answer(saying('A drink.'));
  const answer = await again.ask('What is tea?', { idempotencyKey: 'tea' });
  expect(answer.status).toBe(200);
  expect(await again.said()).toEqual(['user: What is tea?', 'assistant: A drink.']);
  expect(await moneyOf(again)).toEqual({ balanceMsat: 1_000_000 - answer.body.request.chargedMsat!, heldMsat: 0 });
});

test('killed while the reply streams: the stream ends bare, and the next turn takes the conversation over', async () => {
  const first = await start();
  const session = await fundSession(first);
  const events = await session.stream('Tell me a long story');
  const call = await model.called();
  await call.say('Once upon ');
  const started = (await events.next()).value;
  expect(started).toMatchObject({ event: 'start' });
  expect((await events.next()).value).toEqual({ event: 'delta', data: { text: 'Once upon ' } });
  await first.kill();
  await expect(events.next()).rejects.toThrow('terminated');

  const again = session.on(await start());
  const requestId: string = started.data.requestId;
  expect((await again.request(requestId)).request.state).toBe('running');
  expect(await again.ask('Go on')).toMatchObject({ status: 409, body: { code: 'conversation-busy', requestId } });

  await endLeases();
  model.answer(saying('Fine.'));
  const { status, body } = await again.ask('Go on');
  expect({ status, shown: body.history.messages }).toEqual({ status: 200, shown: 0 });
  expect(await again.request(requestId)).toMatchObject({ request: { state: 'failed', chargedMsat: 0 }, reply: null });
  expect(await again.said()).toEqual(['user: Go on', 'assistant: Fine.']);
});

test('killed the moment an answer arrived: it was stored, and a replay is identical', async () => {
  model.answer(saying('Of course.'));
  const first = await start();
  const session = await fundSession(first);
  const answer = await session.ask('Will you remember this?', { idempotencyKey: 'once' });
  await first.kill();

  const again = session.on(await start());
  const replay = await again.ask('Will you remember this?', { idempotencyKey: 'once' });
  expect(replay.status).toBe(200);
  expect(replay.body).toEqual(answer.body);
  expect(await again.request(answer.body.request.id)).toEqual(answer.body);
  expect(model.callCount).toBe(1);
  expect((await again.ask('What did I say?')).body.history.messages).toBe(2);
});

test('killed while many turns settle: each is whole or absent, and what was acknowledged is there', async () => {
  const first = await start();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => fundSession(first)));
  const firstAnswer = Promise.withResolvers<void>();
  const acknowledged = new Map<string, unknown>();
  const asking = sessions.map(async (session) => {
    const answer = await askInVain(session, 'Hello?', 'hello');
    if (answer?.status === 200) acknowledged.set(session.id, answer.body);
    firstAnswer.resolve();
  });
  const calls = await Promise.all(sessions.map(() => model.called()));
  for (const call of calls) saying('Hello!')(call);
  await firstAnswer.promise;
  await first.kill();
  await Promise.all(asking);
  expect(acknowledged.size).toBeGreaterThan(0);

  await endLeases();
  const second = await start();
  for (const session of sessions.map((it) => it.on(second))) {
    await until(async () => (await session.show()).heldMsat === 0);
    const charges = (await listLedger(database.db, session.id)).filter(({ kind }) => kind === 'charge');
    const said = await session.said();
    expect([0, 2]).toContain(said.length);
    expect(charges).toHaveLength(said.length / 2);
    if (!acknowledged.has(session.id)) continue;
    expect(said).toHaveLength(2);
    expect((await session.ask('Hello?', { idempotencyKey: 'hello' })).body).toEqual(acknowledged.get(session.id));
  }
});

test('killed right after payments: each is credited exactly once, acknowledged or not', async () => {
  const first = await start();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(first, 500)));
  const paid = await Promise.all(
    sessions.map(async (session, n) => {
      const answer = await pay(first, session.opened.invoice.bolt11).catch(() => undefined);
      if (n === 0) await first.kill();
      return answer?.status === 200;
    }),
  );
  expect(paid).toContain(true);

  const second = await start();
  for (const session of sessions.map((it) => it.on(second))) {
    // Nobody knows whether one that was not acknowledged was made: paying again is refused if it was.
    const again = await pay(second, session.opened.invoice.bolt11);
    expect([200, 422]).toContain(again.status);
    await until(async () => (await session.show()).status === 'active');
    expect(await depositsOf(session)).toEqual([500_000n]);
  }
});

test('killed while the database settles a turn and credits a payment: both happen, once, and nobody is told twice', async () => {
  const first = await start();
  const session = await fundSession(first);
  const { body: topUp } = await session.call<TopUp>('/topup', { json: { amountSats: 500 } });
  const asking = askInVain(session, 'Did you hear me?', 'heard');
  const call = await model.called();

  // Someone else holds the session's row: what the server sends from now on waits for it.
  const holder = await database.db.$client.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
  saying('I did.')(call);
  const paying = pay(first, topUp.invoice.bolt11).catch(() => {}); // it answers once the payment is credited
  await until(async () => (await statementsWaitingForALock()) === 3); // who pays credits too, beside who watches
  await first.kill();
  await Promise.all([asking, paying]);
  await holder.query('COMMIT');
  holder.release();

  const again = session.on(await start());
  await until(async () => (await again.show()).heldMsat === 0);
  expect(await again.said()).toEqual(['user: Did you hear me?', 'assistant: I did.']);
  const replay = await again.ask('Did you hear me?', { idempotencyKey: 'heard' });
  expect(replay).toMatchObject({
    status: 200,
    body: { request: { state: 'completed' }, reply: { content: 'I did.' } },
  });
  expect(await depositsOf(again)).toEqual([1_000_000n, 500_000n]);
  expect((await again.show()).balanceMsat).toBe(1_500_000 - replay.body.request.chargedMsat!);
  expect(model.callCount).toBe(1);
});

test('a payment made while no server ran is credited by the next one', async () => {
  const first = await start();
  const session = await openSession(first, 500);
  // The wallet is the directory's, so a server on another database can take the payment, and cannot credit it.
  await first.kill();
  const other = await openTestDatabase();
  try {
    const stranger: ServerProcess = await place.start({ DATABASE_URL: other.url });
    expect((await pay(stranger, session.opened.invoice.bolt11)).status).toBe(200);
    expect(await listDiscrepancies(other.db)).toEqual([]);
    await stranger.kill();
  } finally {
    await other.close();
  }
  const again = session.on(await start());
  await until(async () => (await again.show()).status === 'active');
  expect(await depositsOf(again)).toEqual([500_000n]);
});
