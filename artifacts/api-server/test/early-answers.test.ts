/** An answer that is given before the body was read, or while it still comes, is seen by those who send it. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { problemSchema } from '@timmy-tower/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MOST_DROPPED_BYTES } from '../src/serve-app.ts';
import { openTestApp, type TestApp, type TestSession, until } from './harness.ts';
import { type Listener, openClient, openListener, requestText } from './sockets.ts';

const MIB = 1024 * 1024;

let server: TestApp;
let strict: TestApp;
/** Waits for the rest of a body for longer than any test takes: its bytes alone are bounded. */
let listener: Listener;
/** Its patience is so short that a test can wait for its end. */
let hasty: Listener;
let strictListener: Listener;
let session: TestSession;
let unpaid: TestSession;
beforeAll(async () => {
  server = await openTestApp();
  session = await server.fund();
  unpaid = await server.open();
  listener = await openListener(server.app, { droppingMs: 600_000 });
  hasty = await openListener(server.app, { droppingMs: 500 });
  const shared = { database: server.database, wallet: server.wallet, watch: false };
  strict = await openTestApp({ ...shared, deps: { newSessionsPerMinute: 1 } });
  strictListener = await openListener(strict.app, { droppingMs: 600_000 });
  const deposit = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"amountSats":10}' };
  await fetch(`http://127.0.0.1:${strictListener.port}/sessions`, deposit);
});
afterAll(async () => {
  await Promise.all([listener.close(), hasty.close(), strictListener.close()]);
  await strict.close();
  await server.close();
});

interface Refused {
  readonly status: number;
  readonly path: string;
  readonly key?: string;
  readonly at: Listener;
}

const refused: Record<string, () => Refused> = {
  'a message that is too large': () => ({
    status: 413,
    path: `/sessions/${session.id}/request`,
    key: session.key,
    at: listener,
  }),
  'a deposit that is too large': () => ({ status: 413, path: '/sessions', at: listener }),
  'no key': () => ({ status: 401, path: `/sessions/${session.id}/request`, at: listener }),
  'a key that opens nothing': () => ({
    status: 404,
    path: `/sessions/${session.id}/request`,
    key: unpaid.key,
    at: listener,
  }),
  'a session that is not paid': () => ({
    status: 402,
    path: `/sessions/${unpaid.id}/request`,
    key: unpaid.key,
    at: listener,
  }),
  'a path that is not there': () => ({ status: 404, path: '/nowhere', at: listener }),
  'another method': () => ({ status: 405, path: '/healthz', at: listener }),
  'too many calls': () => ({ status: 429, path: '/sessions', at: strictListener }),
};

const headersOf = ({ key }: Refused) => ({
  'content-type': 'application/json',
  ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
});
const urlOf = ({ at, path }: Refused) => `http://127.0.0.1:${at.port}${path}`;

describe.each(Object.entries(refused))('%s', (_, make) => {
  test.each([600_000, 3 * MIB])('is told to Node’s fetch that sends %i bytes, ten times of ten', async (size) => {
    const call = make();
    const body = randomBytes(size / 2).toString('hex');
    for (let n = 0; n < 10; n += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, on the connections that are left
      const response = await fetch(urlOf(call), { method: 'POST', headers: headersOf(call), body });
      // oxlint-disable-next-line no-await-in-loop
      const problem = problemSchema.parse(await response.json());
      expect([response.status, problem.status]).toEqual([call.status, call.status]);
    }
  });

  test('is told to curl', async () => {
    const call = make();
    const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-body-'));
    await writeFile(join(directory, 'body'), Buffer.alloc(3 * MIB, 'x'));
    const headers = Object.entries(headersOf(call)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const { stdout } = await promisify(execFile)('curl', [
      '-sS',
      '--noproxy',
      '*',
      '-w',
      '\n%{http_code}',
      ...headers,
      '--data-binary',
      `@${join(directory, 'body')}`,
      urlOf(call),
    ]);
    expect(stdout.split('\n').at(-1)).toBe(String(call.status));
    expect(stdout).toContain('"title"');
    await rm(directory, { recursive: true });
  });
});

// Each takes a second for it: they take it together.
test.concurrent.each(Object.entries(refused))(
  '%s is told to who sends a body of unknown length, slowly, and looks for an answer only then',
  async (_, make) => {
    const call = make();
    const sending = request(urlOf(call), { method: 'POST', headers: headersOf(call) });
    const answered = once(sending, 'response');
    const failed = once(sending, 'error').then(([error]) => Promise.reject(error));
    for (let n = 0; n < 12; n += 1) {
      sending.write(Buffer.alloc(100_000, 'x'));
      // oxlint-disable-next-line no-await-in-loop -- the slowness is what is tried
      await delay(80);
    }
    sending.end();
    const [response] = await Promise.race([answered, failed]);
    expect(response.statusCode).toBe(call.status);
    response.resume();
  },
);

describe.concurrent('nobody can go on for ever', () => {
  test.each([
    ['after an answer', '/nowhere', 404, () => listener],
    ['before one', '/sessions', 413, () => hasty],
  ] as const)('with a body that has no end, %s', async (_, path, status, at) => {
    const client = await openClient(at().port);
    const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    client.socket.write(requestText({ path, headers }));
    let sent = 0;
    const chunk = `10000\r\n${'x'.repeat(0x1_0000)}\r\n`;
    while (!client.socket.destroyed && sent < 20 * MOST_DROPPED_BYTES) {
      sent += chunk.length;
      // oxlint-disable-next-line no-await-in-loop
      if (!client.socket.write(chunk))
        await Promise.race([once(client.socket, 'drain'), client.closed]).catch(() => {});
    }
    await client.closed;
    expect(sent).toBeLessThan(4 * MOST_DROPPED_BYTES);
    expect([[], [status]]).toContainEqual(client.statuses());
  });

  test('with a body that stays out: the answer is there, and the connection is cut after a while', async () => {
    const client = await openClient(hasty.port);
    client.socket.write(requestText({ path: '/nowhere', headers: ['Content-Length: 1000000'], body: 'x' }));
    await until(() => client.statuses().length === 1);
    expect(client.statuses()).toEqual([404]);
    await client.closed;
  });
});

test('a connection whose body was dropped serves the next request', async () => {
  const client = await openClient(listener.port);
  const body = 'x'.repeat(600_000);
  client.socket.write(requestText({ path: '/nowhere', headers: [`Content-Length: ${body.length}`], body }));
  client.socket.write(requestText({ method: 'GET', path: '/healthz', headers: ['Connection: close'] }));
  await client.closed;
  expect(client.statuses()).toEqual([404, 200]);
});
