/** Keys that cannot be guessed, a check of them that tells nothing, and the headers that every answer carries. */
import { randomBytes, randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PageFile } from '../src/page.ts';
import { createSessionKey, parseSessionKey } from '../src/sessions/session-key.ts';
import { settlePayment } from '../src/sessions/settlement.ts';
import { openTestApp, type TestApp, type TestSession } from './harness.ts';
import { statementsDuring } from './statements.ts';

const bytes = new TextEncoder().encode('<!doctype html>');
const page: PageFile[] = ['/index.html', '/assets/index-1.js'].map((path) => ({
  path,
  type: path.endsWith('js') ? 'text/javascript' : 'text/html; charset=utf-8',
  plain: bytes,
  compressed: async () => bytes,
}));

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ deps: { page }, watch: false });
});
afterAll(() => server.close());

/** Nothing works in the background here, whose statements would be counted. */
async function fund(): Promise<TestSession> {
  const session = await server.open();
  await server.wallet.pay(session.invoice.bolt11);
  await settlePayment(server.deps, session.invoice.paymentHash);
  return session;
}

/** A key of the right form for a session, which is not its key. */
const wrongKey = (id: string) =>
  `tt_${Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), randomBytes(32)]).toString('base64url')}`;

describe('a session’s key', () => {
  const COUNT = 4000;
  const id = randomUUID();
  const keys = Array.from({ length: COUNT }, () => createSessionKey(id));
  const secrets = keys.map((key) => Buffer.from(key.slice(3), 'base64url').subarray(16));

  test('has 256 bits that no other key has', () => {
    for (const secret of secrets) expect(secret).toHaveLength(32);
    expect(new Set(keys).size).toBe(COUNT);
    const halves = secrets.flatMap((secret) => [secret.toString('hex', 0, 16), secret.toString('hex', 16)]);
    expect(new Set(halves).size).toBe(2 * COUNT);
  });

  test('has every bit set in about half of the keys', () => {
    // Six standard deviations: of 256 bits, one fails once in two million runs.
    const allowed = 6 * Math.sqrt(COUNT / 4);
    for (let bit = 0; bit < 256; bit++) {
      const set = secrets.filter((secret) => ((secret[bit >> 3]! >> (bit & 7)) & 1) === 1).length;
      expect(Math.abs(set - COUNT / 2), `bit ${bit}`).toBeLessThan(allowed);
    }
  });

  test('is looked for by its SHA-256 alone', () => {
    expect(parseSessionKey(keys[0]!)?.keyHash).toHaveLength(32);
    expect(JSON.stringify(parseSessionKey(keys[0]!))).not.toContain(secrets[0]!.toString('base64url').slice(0, 20));
  });
});

describe('the check of a key', () => {
  interface Work {
    readonly status: number;
    readonly text: string;
    readonly statements: readonly string[];
  }

  const calls: ReadonlyArray<readonly [string, string, unknown?]> = [
    ['GET', ''],
    ['GET', '/events'],
    ['POST', '/topup', { amountSats: 100 }],
    ['POST', '/request', { content: 'hello' }],
    ['POST', '/estimate', { content: 'hello' }],
    ['GET', '/ledger'],
    ['GET', `/requests/${randomUUID()}`],
    ['POST', `/requests/${randomUUID()}/cancel`],
    ['GET', '/messages'],
    ['DELETE', '/messages'],
  ];

  async function workFor(id: string, [method, path, json]: (typeof calls)[number]): Promise<Work> {
    let [status, text] = [0, ''];
    const statements = await statementsDuring(server, async () => {
      const response = await server.app.request(`/sessions/${id}${path}`, {
        method,
        headers: { authorization: `Bearer ${wrongKey(id)}`, 'content-type': 'application/json' },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      [status, text] = [response.status, await response.text()];
    });
    return { status, text, statements };
  }

  test('does the same work and gives the same bytes for a wrong key as for a session that is not there', async () => {
    const session = await fund();
    await session.ask('hello');
    for (const call of calls) {
      const wrong = await workFor(session.id, call);
      const unknown = await workFor(randomUUID(), call);
      expect(wrong.statements).toHaveLength(1);
      expect(wrong).toEqual(unknown);
      expect(wrong.status).toBe(404);
    }
  });

  test('does not wait for what goes on in the session', async () => {
    const session = await fund();
    const client = await server.deps.db.$client.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
      for (const call of calls) expect((await workFor(session.id, call)).status).toBe(404);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});

describe('every answer', () => {
  const always = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': expect.stringMatching(/^(DENY|SAMEORIGIN)$/),
    'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  };
  const headersOf = ({ headers }: Response) => Object.fromEntries(headers);

  const get = (path: string, headers: Record<string, string> = {}) => server.app.request(path, { headers });
  const ask = ({ id, key }: TestSession, body: string, headers: Record<string, string> = {}) =>
    server.app.request(`/sessions/${id}/request`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body,
    });

  test('has the security headers, whatever it is', async () => {
    const session = await fund();
    const stream = await ask(session, '{"content":"hello"}', { accept: 'text/event-stream' });
    await stream.text();
    const answers: Array<[number, Response]> = [
      [200, await get('/')],
      [200, await get('/assets/index-1.js')],
      [200, await get('/docs')],
      [200, await get('/docs/swagger-ui-bundle.js')],
      [200, await get('/openapi.json')],
      [200, await get('/healthz')],
      [404, await get('/nowhere')],
      [401, await get(`/sessions/${session.id}`)],
      [200, await get(`/sessions/${session.id}`, { authorization: `Bearer ${session.key}` })],
      [200, await ask(session, '{"content":"hello"}')],
      [400, await ask(session, '{')],
      [413, await ask(session, 'x'.repeat(600_000))],
      [200, stream],
    ];
    for (const [status, response] of answers) {
      expect(response.status).toBe(status);
      expect(headersOf(response)).toMatchObject(always);
      expect(headersOf(response)).not.toHaveProperty('x-powered-by');
    }
  });

  test('of a session is stored by nobody', async () => {
    const session = await fund();
    for (const response of [
      await get(`/sessions/${session.id}`, { authorization: `Bearer ${session.key}` }),
      await get(`/sessions/${session.id}`),
      await ask(session, '{"content":"hello"}'),
      await ask(session, '{"content":"hello"}', { accept: 'text/event-stream' }),
    ]) {
      expect(response.headers.get('cache-control')).toBe('no-store');
      await response.text();
    }
    expect((await server.app.request('/sessions', { method: 'POST' })).headers.get('cache-control')).toBe('no-store');
  });

  test('that is a document runs no script of others, and none written into it', async () => {
    for (const path of ['/', '/docs']) {
      const policy = (await get(path)).headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy.replace(/style-src[^;]*/, '')).not.toMatch(/unsafe|https?:|\*/);
    }
    expect((await get('/')).headers.get('content-security-policy')).not.toContain('unsafe');
  });
});
