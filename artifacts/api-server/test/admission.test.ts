/** What a call may cost before anybody has paid for it, and that nobody else pays for it in patience. */
import { randomUUID } from 'node:crypto';

import type { Problem, TopUp, TurnAnswer } from '@timmy-tower/contract';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { KnownKeys } from '../src/sessions/known-keys.ts';
import { createSessionKey, parseSessionKey } from '../src/sessions/session-key.ts';
import { settlePayment } from '../src/sessions/settlement.ts';
import { openTestApp, type TestApp, type TestAppOptions, type TestSession } from './harness.ts';
import { statementsDuring } from './statements.ts';

const opened: TestApp[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

async function open(options: TestAppOptions = {}): Promise<TestApp> {
  const server = await openTestApp({ watch: false, ...options });
  opened.push(server);
  return server;
}

/** Twenty calls a minute of those who have not paid, and one new session. */
const strict = { deps: { newSessionsPerMinute: 1 } };

const madeUpCall = (server: TestApp, rest = '/request') => {
  const id = randomUUID();
  return server.call<Problem>(`/sessions/${id}${rest}`, {
    key: createSessionKey(id),
    json: { content: '汉'.repeat(1000) },
  });
};

describe('a caller with a made-up key', () => {
  test('costs one look at the keys, and nothing of the body is read', async () => {
    const server = await open();
    const id = randomUUID();
    const body = new ReadableStream(
      {
        pull() {
          throw new Error('the body was read');
        },
      },
      { highWaterMark: 0 },
    );
    const statements = await statementsDuring(server, async () => {
      const response = await server.app.request(`/sessions/${id}/request`, {
        method: 'POST',
        headers: { authorization: `Bearer ${createSessionKey(id)}`, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      });
      expect(response.status).toBe(404);
    });
    expect(statements).toEqual([expect.stringContaining('from "session_keys"')]);
  });

  test('shares that look with all who come at the same time', async () => {
    const server = await open();
    const statements = await statementsDuring(server, async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => madeUpCall(server)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    });
    expect(statements.length).toBeLessThanOrEqual(20);
  });

  test('is told to wait after so many calls, by whatever path, and never counts against the session that it names', async () => {
    const server = await open(strict);
    const session = await server.fund();
    const forged = { key: createSessionKey(session.id), json: { content: 'hello' } };
    const statuses: number[] = [];
    for (let call = 0; call < 25; call++) {
      const path = ['/request', '', '/topup', '/messages', '/events'][call % 5]!;
      const { json, ...get } = forged;
      const init = path === '/request' || path === '/topup' ? { ...get, json } : get;
      statuses.push((await server.call(`/sessions/${session.id}${path}`, init)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 404), ...Array.from({ length: 5 }, () => 429)]);
    const refused = await madeUpCall(server);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await session.ask('hello')).status).toBe(200);
  });
});

describe('a payer at the address of strangers who are told to wait', () => {
  test('is served, also when this server never saw the key before', async () => {
    const first = await open(strict);
    const session = await first.fund();
    const second = await open({ ...strict, database: first.database, wallet: first.wallet });
    for (const server of [first, second]) {
      for (let call = 0; call < 21; call++) await madeUpCall(server);
      expect((await madeUpCall(server)).status).toBe(429);
      const call = { key: session.key, json: { content: 'hello' } };
      expect((await server.call<TurnAnswer>(`/sessions/${session.id}/request`, call)).status).toBe(200);
    }
  });
});

describe('a session that was never paid', () => {
  test('is offered its invoice before anything of its turn is read', async () => {
    const server = await open();
    const session = await server.open();
    const answer = await session.call<Problem>('/request', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
    });
    expect(answer).toMatchObject({
      status: 402,
      body: { code: 'payment-required', invoice: { paymentHash: session.invoice.paymentHash } },
    });
  });

  test('is counted by its address until it is paid', async () => {
    const server = await open(strict);
    const session = await server.open();
    const statuses: number[] = [];
    for (let call = 0; call < 21; call++) statuses.push((await session.call('')).status);
    expect([statuses.at(-2), statuses.at(-1)]).toEqual([200, 429]);
    await server.wallet.pay(session.invoice.bolt11);
    await settlePayment(server.deps, session.invoice.paymentHash);
    expect((await session.call('')).status).toBe(200);
  });
});

describe('topping up', () => {
  const topUp = (session: TestSession, amountSats: number) =>
    session.call<TopUp & Problem>('/topup', { json: { amountSats } });

  test('gives the newest unpaid invoice of an amount again while there is time to pay it', async () => {
    const server = await open();
    const session = await server.fund();
    const all = await Promise.all(Array.from({ length: 8 }, () => topUp(session, 100)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(all.map(({ body }) => body.invoice.paymentHash)).size).toBe(1);
    await server.query(`UPDATE invoices SET expires_at = now() + interval '9 minutes' WHERE paid_at IS NULL`);
    const another = await topUp(session, 100);
    expect(another.body.invoice.paymentHash).not.toBe(all[0]!.body.invoice.paymentHash);
  });

  test('makes a few invoices that can be paid at one time, and no more', async () => {
    const server = await open();
    const session = await server.fund();
    const answers: number[] = [];
    for (let amountSats = 101; amountSats <= 106; amountSats++) answers.push((await topUp(session, amountSats)).status);
    expect(answers).toEqual([201, 201, 201, 201, 201, 429]);
    const createInvoice = vi.spyOn(server.wallet, 'createInvoice');
    const refused = await topUp(session, 106);
    expect(createInvoice).not.toHaveBeenCalled(); // the wallet is not asked in vain
    expect(refused.body.code).toBe('rate-limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000);
    expect((await topUp(session, 103)).status).toBe(201); // one that there is already
    await server.query(`UPDATE invoices SET expires_at = now() WHERE amount_msat = 101000`);
    expect((await topUp(session, 106)).status).toBe(201);
  });
});

test.each(['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])(
  '%s on a path that takes others is 405, and says which',
  async (method) => {
    const server = await open();
    for (const [path, allow] of [
      [`/sessions/${randomUUID()}`, 'GET, HEAD'],
      ['/sessions', 'POST'],
      [`/sessions/${randomUUID()}/requests/${randomUUID()}/cancel`, 'POST'],
      ['/healthz', 'GET, HEAD'],
      ['/openapi.json', 'GET, HEAD'],
    ]) {
      const answer = await server.call<Problem>(path!, { method });
      expect([answer.status, answer.headers.get('allow'), answer.body.code]).toEqual([
        405,
        allow,
        'method-not-allowed',
      ]);
    }
    expect((await server.call('/no/such/path', { method })).status).toBe(404);
  },
);

describe('a known key', () => {
  test('is looked up again after a minute', async () => {
    const server = await open();
    const session = await server.fund();
    const caller = parseSessionKey(session.key)!;
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const keys = new KnownKeys(server.deps.db);
      const looks = () => statementsDuring(server, async () => expect(await keys.standingOf(caller)).toBe('paid'));
      expect(await looks()).toHaveLength(1);
      vi.advanceTimersByTime(59_000);
      expect(await looks()).toHaveLength(0);
      vi.advanceTimersByTime(2000);
      expect(await looks()).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('is one of a bounded number: the oldest are forgotten', async () => {
    const server = await open();
    const session = await server.fund();
    const caller = parseSessionKey(session.key)!;
    const keys = new KnownKeys(server.deps.db);
    keys.remember(caller);
    for (let other = 0; other < 50_000; other++) {
      const keyHash = Buffer.alloc(32);
      keyHash.writeUInt32BE(other);
      keys.remember({ sessionId: session.id, keyHash });
    }
    expect(await statementsDuring(server, () => keys.standingOf(caller))).toHaveLength(1);
  });
});
