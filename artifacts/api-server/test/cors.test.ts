/** What a browser needs to be told before a page of another origin may call. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApp, readEvents, type TestApp, type TestSession } from './harness.ts';
import { statementsDuring } from './statements.ts';

const ORIGIN = 'https://shop.example';
const exposed = 'X-Request-Id,Retry-After,Idempotency-Replayed';

let some: TestApp;
let all: TestApp;
let none: TestApp;
let session: TestSession;
const page = [
  { path: '/index.html', type: 'text/html', plain: new Uint8Array(1), compressed: async () => new Uint8Array(1) },
];

beforeAll(async () => {
  some = await openTestApp({ deps: { corsOrigins: [ORIGIN, 'http://127.0.0.1:5173'], page } });
  const shared = { database: some.database, wallet: some.wallet, watch: false };
  all = await openTestApp({ ...shared, deps: { corsOrigins: ['*'] } });
  none = await openTestApp(shared);
  session = await some.fund();
});
afterAll(async () => {
  for (const server of [none, all, some]) {
    // oxlint-disable-next-line no-await-in-loop -- whose database it is goes last
    await server.close();
  }
});

const preflight = (server: TestApp, path: string, origin = ORIGIN) =>
  server.app.request(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, x-session-key, idempotency-key, x-anything',
    },
  });
const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));

describe('a preflight', () => {
  test('lets an origin of the list send what it asked to send, and asks the database nothing', async () => {
    let answer: Response | undefined;
    const statements = await statementsDuring(some, async () => {
      answer = await preflight(some, `/sessions/${session.id}/request`);
    });
    expect(statements.filter((text) => text.includes('session_keys'))).toEqual([]);
    expect(answer!.status).toBe(204);
    const allowed = corsOf(answer!);
    expect(allowed['access-control-allow-origin']).toBe(ORIGIN);
    expect(allowed['access-control-allow-headers']?.split(',')).toEqual([
      'content-type',
      'x-session-key',
      'idempotency-key',
      'x-anything',
    ]);
    expect(allowed['access-control-allow-methods']?.split(',')).toEqual(expect.arrayContaining(['POST', 'DELETE']));
    expect(allowed['vary']).toMatch(/\bOrigin\b/);
    expect(allowed).not.toHaveProperty('access-control-allow-credentials');
    expect(answer!.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('tells another origin nothing that lets it in', async () => {
    for (const origin of ['https://shop.example.evil', 'http://shop.example', 'null', 'https://SHOP.example']) {
      // oxlint-disable-next-line no-await-in-loop
      expect(corsOf(await preflight(some, '/sessions', origin))).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('of any origin is let in with *', async () => {
    expect(corsOf(await preflight(all, '/sessions', 'https://any.example'))).toMatchObject({
      'access-control-allow-origin': '*',
    });
  });

  test('is OPTIONS like any other where no origin is let in, and an OPTIONS that is none is so anywhere', async () => {
    const refused = await preflight(none, '/sessions');
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    expect(corsOf(refused)).toEqual({});
    expect((await some.app.request('/sessions', { method: 'OPTIONS', headers: { origin: ORIGIN } })).status).toBe(405);
  });
});

describe('an answer', () => {
  const headers = { origin: ORIGIN };
  const ask = (content: string, more: Record<string, string> = {}) =>
    some.app.request(`/sessions/${session.id}/request`, {
      method: 'POST',
      headers: { ...headers, 'x-session-key': session.key, 'content-type': 'application/json', ...more },
      body: JSON.stringify({ content }),
    });

  test('can be read by an origin of the list, whatever it is: a failure, nothing, a stream', async () => {
    const answers: Array<[number, Response]> = [
      [200, await some.app.request('/config', { headers })],
      [404, await some.app.request('/nowhere', { headers })],
      [405, await some.app.request('/config', { method: 'PUT', headers })],
      [401, await some.app.request(`/sessions/${session.id}`, { headers })],
      [422, await ask('')],
      [400, await ask('\0')],
      [413, await ask('x'.repeat(600_000))],
      [200, await ask('hello')],
      [200, await ask('hello', { accept: 'text/event-stream' })],
    ];
    for (const [status, answer] of answers) {
      expect(answer.status).toBe(status);
      expect(corsOf(answer)).toMatchObject({
        'access-control-allow-origin': ORIGIN,
        'access-control-expose-headers': exposed,
        vary: expect.stringMatching(/\bOrigin\b/),
      });
      expect(corsOf(answer)).not.toHaveProperty('access-control-allow-credentials');
      await answer.text();
    }
    const watched = await some.app.request(`/sessions/${session.id}/events`, {
      headers: { ...headers, 'x-session-key': session.key },
    });
    expect(corsOf(watched)).toMatchObject({ 'access-control-allow-origin': ORIGIN });
    await readEvents(watched.body!).return(undefined);
  });

  test('of the page varies by both, its encoding and who asks', async () => {
    const vary = (await some.app.request('/', { headers })).headers.get('vary');
    expect(vary).toMatch(/Accept-Encoding/);
    expect(vary).toMatch(/Origin/);
  });

  test('says nothing of the kind where no origin is let in', async () => {
    expect(corsOf(await none.app.request('/config', { headers }))).toEqual({});
  });
});
