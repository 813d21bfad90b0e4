/** Promises 6 and 7 on two servers with one database: one conversation at a time, and who lost its lease writes nothing. */
import { listLedger } from '@timmy-tower/db';
import { beforeAll, expect, test } from 'vitest';

import { until } from './harness.ts';
import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { fundSession } from './server-client.ts';
import { type ServerProcess } from './server-process.ts';
import { USAGE } from './slow-model.ts';

let a: ServerProcess;
let b: ServerProcess;

useSurroundings();
beforeAll(async () => {
  const env = { DATABASE_URL: database.url, ...model.env };
  // At once, on an empty schema or not: each migrates under the lock.
  [a, b] = await Promise.all([place.start(env), place.start(env)]);
});

const CHARGE_MSAT = USAGE.input * 3 + USAGE.output * 15;

test('the lock on a conversation holds on both', async () => {
  const onA = await fundSession(a);
  const onB = onA.on(b);
  const asking = onA.ask('First');
  const turn = await model.called();
  const busy = await onB.ask('Second');
  expect(busy).toMatchObject({ status: 409, body: { code: 'conversation-busy', requestId: expect.any(String) } });
  expect(await onB.call('/messages', { method: 'DELETE' })).toMatchObject({ status: 409 });
  await turn.say('One.');
  turn.finish();
  expect((await asking).body.request.id).toBe(busy.body.requestId);

  const second = onB.ask('Second');
  const next = await model.called();
  expect(next.messages.map(({ content }) => content).slice(1)).toEqual(['First', 'One.', 'Second']);
  await next.say('Two.');
  next.finish();
  expect((await second).status).toBe(200);
});

test('of turns asked of both at once exactly one runs', async () => {
  const onA = await fundSession(a);
  const statuses: number[] = [];
  const asking = Array.from({ length: 10 }, async (_, n) => {
    const { status } = await onA.on(n % 2 ? a : b).ask('Me first');
    statuses.push(status);
  });
  const turn = await model.called();
  await until(() => statuses.length === 9);
  await turn.say('You.');
  turn.finish();
  await Promise.all(asking);
  expect(statuses).toEqual([...Array.from({ length: 9 }, () => 409), 200]);
  expect(await onA.said()).toEqual(['user: Me first', 'assistant: You.']);
});

test('a cancel on one reaches a turn on the other: what was said is kept and charged', async () => {
  const onA = await fundSession(a);
  const events = await onA.stream('Tell me everything');
  const turn = await model.called();
  const { value: started } = await events.next();
  await turn.say('To begin with,');
  await events.next();
  const cancelled = await onA.on(b).cancel(started.data.requestId);
  expect(cancelled).toMatchObject({
    status: 200,
    body: { request: { state: 'incomplete', incompleteReason: 'cancelled' }, reply: { content: 'To begin with,' } },
  });
  expect(cancelled.body.request.chargedMsat).toBeGreaterThan(0);
  await turn.closed; // the model was told to stop
  expect((await Array.fromAsync(events)).at(-1)).toEqual({ event: 'done', data: cancelled.body });
});

test('a server that was frozen past its lease is fenced off: its turn is not stored and not charged', async () => {
  const onA = await fundSession(a);
  const onB = onA.on(b);
  const asking = onA.ask('Asked of the frozen one', { idempotencyKey: 'frozen' });
  const frozen = await model.called();
  const { body: busy } = await onB.ask('Too early');
  a.signal('SIGSTOP');
  await database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE id = $1`,
    [busy.requestId],
  );
  const takingOver = onB.ask('Asked of the other');
  const turn = await model.called();
  await turn.say('Here.');
  turn.finish();
  expect((await takingOver).status).toBe(200);

  await frozen.say('Too late.');
  frozen.finish();
  a.signal('SIGCONT');
  const answer = await asking;
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', requestId: busy.requestId } });
  expect(answer.body.detail).toContain('Nothing was charged');
  expect(await onB.said()).toEqual(['user: Asked of the other', 'assistant: Here.']);
  expect(await onB.request(busy.requestId!)).toMatchObject({
    request: { state: 'failed', chargedMsat: 0 },
    reply: null,
  });
  expect((await listLedger(database.db, onA.id)).map(({ kind, amountMsat }) => [kind, Number(amountMsat)])).toEqual([
    ['deposit', 1_000_000],
    ['charge', -CHARGE_MSAT],
  ]);
  expect(await onA.show()).toMatchObject({ balanceMsat: 1_000_000 - CHARGE_MSAT, heldMsat: 0 });

  const retry = onA.ask('Asked of the frozen one', { idempotencyKey: 'frozen' });
  const again = await model.called();
  await again.say('Now.');
  again.finish();
  expect((await retry).status).toBe(200);
});

test('a turn that another server took over is stopped at the next renewal, while its model still thinks', async () => {
  const onA = await fundSession(a);
  const asking = onA.ask('Take your time');
  const turn = await model.called();
  // Both servers sweep every few seconds: whichever comes first ends it.
  await database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s', lease_owner = gen_random_uuid()
     WHERE session_id = $1`,
    [onA.id],
  );
  expect(await asking).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await turn.closed;
  await until(async () => (await onA.show()).heldMsat === 0);
  expect(await onA.show()).toMatchObject({ balanceMsat: 1_000_000 });
});

test('a payment on one is credited once, although both look for it', async () => {
  const sessions = await Promise.all(Array.from({ length: 10 }, (_, n) => fundSession(n % 2 ? a : b, 100)));
  for (const { id } of sessions) {
    expect((await listLedger(database.db, id)).map(({ amountMsat }) => amountMsat)).toEqual([100_000n]);
  }
});
