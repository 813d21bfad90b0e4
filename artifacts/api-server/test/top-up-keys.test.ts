/** A top-up that is asked for again with its key. */
import type { Problem, TopUp } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { openTestApp, type TestApp, type TestSession, until } from './harness.ts';
import { server, useServer } from './scripted-server.ts';

useServer();

const topUp = ({ id, key }: TestSession, amountSats: number, idempotencyKey?: string, at: TestApp = server) =>
  at.call<TopUp & Problem>(`/sessions/${id}/topup`, {
    key,
    json: { amountSats },
    headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
  });
const replayed = ({ headers }: { headers: Headers }) => headers.get('idempotency-replayed');
const invoicesOf = async ({ id }: TestSession) =>
  (await server.query('SELECT FROM invoices WHERE session_id = $1', [id])).length;

describe('the same key again', () => {
  test('gives the same invoice, and says so', async () => {
    const session = await server.fund();
    const first = await topUp(session, 50, 'k');
    const again = await topUp(session, 50, 'k');
    expect([first.status, again.status]).toEqual([201, 201]);
    expect([replayed(first), replayed(again)]).toEqual([null, 'true']);
    expect(again.body).toEqual(first.body);
  });

  test('gives it when it is paid, and no other: nobody pays twice', async () => {
    const session = await server.fund();
    const first = await topUp(session, 50, 'k');
    await server.wallet.pay(first.body.invoice.bolt11);
    await until(async () => (await session.show()).balanceMsat === 1_050_000);
    const again = await topUp(session, 50, 'k');
    expect(again.body.invoice).toEqual({ ...first.body.invoice, status: 'paid' });
    expect(replayed(again)).toBe('true');
  });

  test('gives it whatever became of the session', async () => {
    const session = await server.fund();
    const first = await topUp(session, 50, 'k');
    await server.query(`UPDATE sessions SET status = 'closed' WHERE id = $1`, [session.id]);
    expect((await topUp(session, 50, 'k')).body).toEqual(first.body);
    expect((await topUp(session, 50, 'new')).status).toBe(410);
  });

  test('with another amount is refused', async () => {
    const session = await server.fund();
    await topUp(session, 50, 'k');
    const { status, body } = await topUp(session, 51, 'k');
    expect([status, body.code]).toEqual([422, 'idempotency-mismatch']);
  });

  test('many times at once, on two servers, makes one invoice', async () => {
    const session = await server.fund();
    const second = await openTestApp({ database: server.database, wallet: server.wallet, watch: false });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => topUp(session, 50, 'k', n % 2 === 0 ? server : second)),
    );
    expect(new Set(answers.map(({ body }) => body.invoice?.paymentHash)).size).toBe(1);
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await invoicesOf(session)).toBe(2);
    await second.close();
  });

  test('gives it though a server’s limits would refuse its amount today', async () => {
    const session = await server.fund();
    const first = await topUp(session, 50, 'k');
    const limits = { ...server.deps.limits, minDepositSats: 100, maxDepositSats: 200 };
    const strict = await openTestApp({
      database: server.database,
      wallet: server.wallet,
      watch: false,
      deps: { limits },
    });
    const again = await topUp(session, 50, 'k', strict);
    expect([again.status, replayed(again), again.body]).toEqual([201, 'true', first.body]);
    expect((await topUp(session, 50, 'other', strict)).status).toBe(422);
    await strict.close();
  });
});

test('another key gets an invoice of its own, an unpaid one first, and no more than a session may have', async () => {
  const session = await server.open(50);
  const first = await topUp(session, 50, 'one');
  expect(first.body.invoice.paymentHash).toBe(session.invoice.paymentHash);
  expect(replayed(first)).toBeNull();
  const answers = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const key of ['two', 'three', 'four', 'five', 'six']) answers.push(await topUp(session, 50, key));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 429]);
  expect(new Set(answers.slice(0, 4).map(({ body }) => body.invoice.paymentHash)).size).toBe(4);
  expect(await invoicesOf(session)).toBe(5);
});

test('without a key the newest unpaid invoice of the amount is given, whose ever it is', async () => {
  const session = await server.fund();
  const keyed = await topUp(session, 50, 'k');
  const bare = await topUp(session, 50);
  expect(bare.body).toEqual(keyed.body);
  expect(replayed(bare)).toBeNull();
});

test.each(['', 'k'.repeat(256)])('a key that is none is refused: %j', async (key) => {
  const session = await server.fund();
  const { status, body } = await topUp(session, 50, key);
  expect([status, body.code]).toEqual([422, 'invalid-request']);
});

test('opening a session takes no key: each time there is another one', async () => {
  const open = () =>
    server.call<{ key: string }>('/sessions', { json: { amountSats: 50 }, headers: { 'idempotency-key': 'k' } });
  const [one, two] = [await open(), await open()];
  expect([one.status, two.status, replayed(two)]).toEqual([201, 201, null]);
  expect(one.body.key).not.toBe(two.body.key);
});
