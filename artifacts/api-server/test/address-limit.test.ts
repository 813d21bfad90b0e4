/** Opening sessions is limited per address: the peer's, or the one that trusted proxies tell. */
import type { Problem } from '@timmy-tower/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp } from './harness.ts';

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ watch: false });
});
afterAll(() => server.close());

interface Caller {
  readonly peer: string;
  readonly forwardedFor?: string;
}

/** The statuses that these callers get, one after the other, where each address may open one session. */
async function statusesOf(trustedProxies: number, callers: readonly Caller[]): Promise<number[]> {
  const strict = await openTestApp({
    database: server.database,
    wallet: server.wallet,
    deps: { newSessionsPerMinute: 1, trustedProxies },
    watch: false,
  });
  const statuses: number[] = [];
  for (const { peer, forwardedFor } of callers) {
    const headers = {
      'content-type': 'application/json',
      ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
    };
    const env = { incoming: { socket: { remoteAddress: peer, remotePort: 1, remoteFamily: 'IPv4' } } };
    const init = { method: 'POST', headers, body: '{"amountSats":100}' };
    // oxlint-disable-next-line no-await-in-loop -- in this order
    statuses.push((await strict.app.request('/sessions', init, env)).status);
  }
  await strict.close();
  return statuses;
}

test('who opens too many is told when to come back', async () => {
  const strict = await openTestApp({
    database: server.database,
    wallet: server.wallet,
    deps: { newSessionsPerMinute: 2 },
    watch: false,
  });
  const open = () => strict.call<Problem>('/sessions', { json: { amountSats: 100 } });
  expect([(await open()).status, (await open()).status]).toEqual([201, 201]);
  const refused = await open();
  expect(refused.status).toBe(429);
  expect(refused.body.code).toBe('rate-limited');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  await strict.close();
});

test('each address has a limit of its own', async () => {
  const peers = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '::ffff:192.0.2.2'];
  expect(
    await statusesOf(
      0,
      peers.map((peer) => ({ peer })),
    ),
  ).toEqual([201, 429, 201, 429]);
});

test('all addresses of an IPv6 network of 64 bits share one', async () => {
  const peers = ['2001:db8::1', '2001:db8::ffff:2', '2001:db8:0:1::1'];
  expect(
    await statusesOf(
      0,
      peers.map((peer) => ({ peer })),
    ),
  ).toEqual([201, 429, 201]);
});

test('with no proxy trusted, a forged X-Forwarded-For changes nothing', async () => {
  const peer = '192.0.2.1';
  const callers = [{ peer, forwardedFor: '198.51.100.1' }, { peer, forwardedFor: '198.51.100.2' }, { peer }];
  expect(await statusesOf(0, callers)).toEqual([201, 429, 429]);
});

test('behind a trusted proxy, the address that it added counts, and none that was forged before it', async () => {
  const peer = '10.0.0.1';
  const callers = [
    { peer, forwardedFor: '198.51.100.1' },
    { peer, forwardedFor: '203.0.113.9, 198.51.100.1' },
    { peer, forwardedFor: '198.51.100.1, 198.51.100.2' },
    { peer, forwardedFor: '203.0.113.8, 198.51.100.2' },
    { peer },
    { peer, forwardedFor: 'rubbish' },
  ];
  expect(await statusesOf(1, callers)).toEqual([201, 429, 201, 429, 201, 429]);
});
