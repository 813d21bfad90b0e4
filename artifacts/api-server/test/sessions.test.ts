import { createHash, randomBytes, randomUUID } from 'node:crypto';

import {
  invoiceSchema,
  type Problem,
  problemSchema,
  type Session,
  type SessionOpened,
  sessionOpenedSchema,
  sessionSchema,
  type TopUp,
  topUpSchema,
} from '@timmy-tower/contract';
import { decodeInvoice } from '@timmy-tower/lightning';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApp, type TestApp, type TestSession, until } from './harness.ts';

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp();
});
afterAll(() => server.close());

const setStatus = (session: TestSession, status: string) =>
  server.query('UPDATE sessions SET status = $2 WHERE id = $1', [session.id, status]);

describe('opening a session', () => {
  test('answers 201 with the session, its key and an invoice', async () => {
    const { status, body } = await server.call<SessionOpened>('/sessions', { json: { amountSats: 1234 } });
    expect(status).toBe(201);
    expect(sessionOpenedSchema.parse(body)).toEqual(body);
    expect(body.session).toMatchObject({ status: 'awaiting_payment', balanceMsat: 0, heldMsat: 0 });
    expect(body.session.invoice).toEqual(body.invoice);
    expect(body.invoice).toMatchObject({ amountSats: 1234, status: 'pending' });
  });

  test('gives an invoice that a decoder reads the same amount, hash and expiry from', async () => {
    const { invoice } = await server.open(4321);
    const decoded = decodeInvoice(invoice.bolt11);
    expect(decoded).toMatchObject({ amountMsat: 4_321_000n, paymentHash: invoice.paymentHash });
    const expiresAtMs = (decoded.timestamp + decoded.expirySeconds) * 1000;
    expect(Date.parse(invoice.expiresAt)).toBe(expiresAtMs);
    expect(expiresAtMs).toBeGreaterThan(Date.now());
  });

  test('gives a key from which the session can be told, and no key twice', async () => {
    const opened = await Promise.all([server.open(), server.open()]);
    for (const { key, id } of opened) {
      expect(key).toMatch(/^tt_[A-Za-z0-9_-]{64}$/);
      const bytes = Buffer.from(key.slice(3), 'base64url');
      expect(bytes.subarray(0, 16).toString('hex')).toBe(id.replaceAll('-', ''));
    }
    expect(opened[0].key.slice(-42)).not.toBe(opened[1].key.slice(-42));
  });

  test('stores the key nowhere, neither as text nor as bytes', async () => {
    const session = await server.fund();
    const { key } = session;
    await session.ask('hello', { idempotencyKey: randomUUID() });
    const bytes = Buffer.from(key.slice(3), 'base64url');
    const forbidden = [
      key.slice(3),
      Buffer.from(key).toString('hex'),
      Buffer.from(key.slice(3)).toString('hex'),
      bytes.subarray(16).toString('hex'),
      bytes.subarray(16).toString('base64url'),
    ];
    const tables = await server.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(tables.length).toBeGreaterThanOrEqual(6);
    const hash = createHash('sha256').update(key).digest('hex');
    let [found, hashSeen] = [false, false];
    for (const { name } of tables) {
      const rows = await server.query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} t`);
      for (const { row } of rows) {
        hashSeen ||= row.includes(hash);
        for (const secret of forbidden) found ||= row.toLowerCase().includes(secret.toLowerCase());
      }
    }
    expect({ found, hashSeen }).toEqual({ found: false, hashSeen: true });
  });

  test.each([9, 1_000_001, 0, -1, 10.5, '1000', null])('refuses to take %j sats', async (amountSats) => {
    const { status, body } = await server.call<Problem>('/sessions', { json: { amountSats } });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid-request', errors: [{ path: expect.stringContaining('amountSats') }] });
  });

  test.each([10, 1_000_000])('takes a deposit at the limit of %i sats', async (amountSats) => {
    const { status, body } = await server.call<SessionOpened>('/sessions', { json: { amountSats } });
    expect(status).toBe(201);
    expect(body.invoice.amountSats).toBe(amountSats);
  });

  test('with the wallet down answers 503 and leaves no row', async () => {
    const count = 'SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM invoices) AS invoices';
    const before = await server.query(count);
    server.wallet.simulateOutage(true);
    const { status, headers, body } = await server
      .call<Problem>('/sessions', { json: { amountSats: 100 } })
      .finally(() => server.wallet.simulateOutage(false));
    expect([status, headers.get('retry-after')]).toEqual([503, '2']);
    expect(body.code).toBe('unavailable');
    expect(await server.query(count)).toEqual(before);
  });
});

describe('the key to a session', () => {
  const routes = (id: string, requestId: string) =>
    [
      ['GET', `/sessions/${id}`],
      ['POST', `/sessions/${id}/topup`, { amountSats: 100 }],
      ['POST', `/sessions/${id}/request`, { content: 'hello' }],
      ['GET', `/sessions/${id}/requests/${requestId}`],
      ['POST', `/sessions/${id}/requests/${requestId}/cancel`],
      ['GET', `/sessions/${id}/messages`],
      ['DELETE', `/sessions/${id}/messages`],
    ] as const;

  async function textOf(method: string, path: string, json: unknown, authorization?: string) {
    const response = await server.app.request(path, {
      method,
      headers: { ...(authorization === undefined ? {} : { authorization }), 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  test('is asked for with 401 and WWW-Authenticate: Bearer where there is no header', async () => {
    const { id } = await server.open();
    for (const [method, path, json] of routes(id, randomUUID())) {
      const { status, headers, text } = await textOf(method, path, json);
      expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(problemSchema.parse(JSON.parse(text))).toMatchObject({ code: 'unauthorized', status: 401 });
    }
  });

  test('that does not fit gives the same 404 as no such session, byte for byte', async () => {
    const session = await server.fund();
    const other = await server.fund();
    const { body } = await session.ask('hello');
    const requestId = body.request.id;
    const keyOf = (id: string, secret: Buffer) =>
      `tt_${Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), secret]).toString('base64url')}`;
    const unknown = randomUUID();
    const cases: [string, string][] = [
      [session.id, `Bearer ${keyOf(session.id, randomBytes(32))}`],
      [session.id, `Bearer ${other.key}`],
      [other.id, `Bearer ${session.key}`],
      [unknown, `Bearer ${keyOf(unknown, randomBytes(32))}`],
      [unknown, `Bearer ${session.key}`],
      [session.id, 'Bearer nonsense'],
      [session.id, 'Bearer tt_'],
      [session.id, `Bearer ${session.key.slice(0, -1)}`],
      [session.id, `Bearer ${session.key}A`],
      [session.id, `Bearer ${session.key.slice(3)}`],
      [session.id, `Bearer TT_${session.key.slice(3)}`],
      ['not-a-uuid', `Bearer ${session.key}`],
      ['00000000-0000-0000-0000-000000000000', `Bearer ${session.key}`],
    ];
    const answers = new Set<string>();
    for (const [id, authorization] of cases) {
      for (const [method, path, json] of routes(id, requestId)) {
        const { status, text } = await textOf(method, path, json, authorization);
        expect([path, authorization.length, status]).toEqual([path, authorization.length, 404]);
        answers.add(text);
      }
    }
    expect([...answers]).toHaveLength(1);
    expect(JSON.parse([...answers][0]!)).toMatchObject({ code: 'not-found', status: 404 });
    expect((await session.show()).status).toBe('active');
    expect((await session.call<{ messages: unknown[] }>('/messages')).body.messages).toHaveLength(2);
  });

  test('is not told apart by the body that comes with it', async () => {
    const session = await server.fund();
    const authorization = 'Bearer nonsense';
    const fit = await textOf('POST', `/sessions/${session.id}/request`, { content: 'hello' }, authorization);
    const unfit = await textOf('POST', `/sessions/${session.id}/request`, { content: 7 }, authorization);
    const nowhere = await textOf('POST', `/sessions/${randomUUID()}/request`, { content: 7 }, authorization);
    expect(fit.status).toBe(404);
    expect([nowhere.status, nowhere.text]).toEqual([unfit.status, unfit.text]);
  });

  test('does not open requests of another session', async () => {
    const [mine, theirs] = await Promise.all([server.fund(), server.fund()]);
    const { body } = await theirs.ask('hello');
    for (const path of [`/requests/${body.request.id}`, `/requests/${randomUUID()}`, '/requests/nonsense']) {
      expect((await mine.call(path)).status).toBe(404);
      expect((await mine.call(`${path}/cancel`, { method: 'POST' })).status).toBe(404);
    }
  });

  test('may be one of several', async () => {
    const { id, key } = await server.open();
    const second = `tt_${Buffer.concat([Buffer.from(key.slice(3), 'base64url').subarray(0, 16), randomBytes(32)]).toString('base64url')}`;
    expect((await server.call(`/sessions/${id}`, { key: second })).status).toBe(404);
    await server.query('INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [
      id,
      createHash('sha256').update(second).digest(),
    ]);
    for (const each of [key, second]) expect((await server.call(`/sessions/${id}`, { key: each })).status).toBe(200);
  });

  test('works whatever the case of the scheme', async () => {
    const { id, key } = await server.open();
    const { status } = await textOf('GET', `/sessions/${id}`, undefined, `bearer ${key}`);
    expect(status).toBe(200);
  });
});

describe('a session', () => {
  test('shows itself: status, balance, hold, times and the newest unpaid invoice', async () => {
    const session = await server.open(500);
    const { status, body } = await session.call<Session>('');
    expect(status).toBe(200);
    expect(sessionSchema.parse(body)).toEqual(body);
    expect(body).toMatchObject({ id: session.id, status: 'awaiting_payment', balanceMsat: 0, heldMsat: 0 });
    expect(body.invoice).toEqual(session.invoice);
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.now());
  });

  test('once funded is active, has the balance and no invoice left to pay', async () => {
    const session = await server.fund(500);
    const shown = await session.show();
    expect(shown).toMatchObject({ status: 'active', balanceMsat: 500_000, heldMsat: 0 });
    expect(shown).not.toHaveProperty('invoice');
  });

  test('tops up with a further invoice, which it then shows', async () => {
    const session = await server.fund(500);
    const { status, body } = await session.call<TopUp>('/topup', { json: { amountSats: 77 } });
    expect(status).toBe(201);
    expect(topUpSchema.parse(body)).toEqual(body);
    expect(decodeInvoice(body.invoice.bolt11).amountMsat).toBe(77_000n);
    expect((await session.show()).invoice).toEqual(body.invoice);
    await server.wallet.pay(body.invoice.bolt11);
    await until(async () => (await session.show()).balanceMsat === 577_000);
  });

  test('with the wallet down cannot be topped up, and stays as it is', async () => {
    const session = await server.fund();
    server.wallet.simulateOutage(true);
    const { status, body } = await session
      .call<Problem>('/topup', { json: { amountSats: 77 } })
      .finally(() => server.wallet.simulateOutage(false));
    expect([status, body.code]).toEqual([503, 'unavailable']);
    expect((await session.show()).invoice).toBeUndefined();
  });

  test.each([9, 1_000_001])('does not take a top-up of %i sats', async (amountSats) => {
    const session = await server.open();
    expect((await session.call('/topup', { json: { amountSats } })).status).toBe(422);
  });

  test('awaiting its payment answers a request with 402 and the invoice to pay', async () => {
    const session = await server.open(500);
    const { status, body } = await session.ask('hello');
    expect(status).toBe(402);
    expect(body.code).toBe('payment-required');
    expect(body.invoice).toEqual(session.invoice);
  });

  test('that is closed answers 410 to requests and top-ups, and can still be read', async () => {
    const session = await server.fund();
    await session.ask('hello');
    await setStatus(session, 'closed');
    const asked = await session.ask('more');
    expect([asked.status, asked.body.code]).toEqual([410, 'session-closed']);
    const toppedUp = await session.call<Problem>('/topup', { json: { amountSats: 100 } });
    expect([toppedUp.status, toppedUp.body.code]).toEqual([410, 'session-closed']);
    expect((await session.show()).status).toBe('closed');
    expect((await session.call<{ messages: unknown[] }>('/messages')).body.messages).toHaveLength(2);
  });

  test('that expired answers 410 to requests, keeps its balance, and a payment revives it', async () => {
    const session = await server.fund(500);
    await setStatus(session, 'expired');
    const asked = await session.ask('more');
    expect([asked.status, asked.body.code]).toEqual([410, 'session-closed']);
    expect(await session.show()).toMatchObject({ status: 'expired', balanceMsat: 500_000 });
    const { body } = await session.call<TopUp>('/topup', { json: { amountSats: 100 } });
    expect(invoiceSchema.parse(body.invoice).status).toBe('pending');
    await server.wallet.pay(body.invoice.bolt11);
    await until(async () => (await session.show()).status === 'active');
    expect((await session.show()).balanceMsat).toBe(600_000);
    expect((await session.ask('more')).status).toBe(200);
  });
});
