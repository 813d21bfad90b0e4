/** Connections that are slow, cut, or not HTTP: none is answered with a mistake of ours, and none stays. */
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { expectBooksBalance, openTestApp, type TestApp, until } from './harness.ts';
import { expectProblem } from './raw-requests.ts';
import { type Listener, openClient, openListener, type RawClient, requestText, trickle } from './sockets.ts';

const JSON_TYPE = 'Content-Type: application/json';
const DEPOSIT = '{"amountSats":100}';

let server: TestApp;
let patient: Listener;
/** Its limits are so short that a test can wait for them. */
let hasty: Listener;
const logged: string[] = [];
const printed = vi.spyOn(console, 'error');
const clients: RawClient[] = [];

beforeAll(async () => {
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  server = await openTestApp({ deps: { log } });
  patient = await openListener(server.app);
  hasty = await openListener(server.app, { headersMs: 300, requestMs: 400, checkMs: 50 });
});
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await until(async () => (await patient.connectionCount()) + (await hasty.connectionCount()) === 0);
  await expectNoHarm();
});
afterAll(async () => {
  await Promise.all([patient.close(), hasty.close()]);
  await server.close();
});

async function expectNoHarm(): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${patient.port}/healthz`, { headers: { connection: 'close' } });
  expect(status).toBe(200);
  const lines = logged.splice(0);
  expect(lines.filter((line) => /"status":5\d\d|"level":[56]0/.test(line))).toEqual([]);
  expect(printed).not.toHaveBeenCalled();
  await expectBooksBalance(server);
}

/** Every answer in it is a problem of ours with an id, and the last says that the connection ends. */
function expectProblems(received: string): void {
  const answers = received.split(/(?=HTTP\/1\.1 \d{3} )/);
  for (const answer of answers) {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const headers = new Headers(
      head
        .split('\r\n')
        .slice(1)
        .map((line): [string, string] => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon), line.slice(colon + 1)];
        }),
    );
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expectProblem({ status: Number(head.slice(9, 12)), headers, text: body });
  }
  expect(answers.at(-1)).toMatch(/^connection: close\r$/im);
}

async function connectTo({ port }: Listener): Promise<RawClient> {
  const client = await openClient(port);
  clients.push(client);
  return client;
}

/** Sends all at once and gives what was answered when the server has hung up, or nothing more is to come. */
async function exchange(listener: Listener, bytes: string | Uint8Array): Promise<RawClient> {
  const client = await connectTo(listener);
  client.socket.write(bytes);
  await client.closed;
  return client;
}

const countSessions = async () => {
  const [row] = await server.query<{ count: string }>('SELECT count(*) FROM sessions');
  return Number(row!.count);
};

describe('a slow client', () => {
  const opening = (headers: string[], body: string) => requestText({ path: '/sessions', headers, body });

  test('that sends byte by byte is answered', async () => {
    const client = await connectTo(patient);
    await trickle(client, opening([JSON_TYPE, `Content-Length: ${DEPOSIT.length}`], DEPOSIT));
    await until(() => client.statuses().length === 1);
    expect(client.statuses()).toEqual([201]);
  });

  test('that sends its body in chunks of one byte is answered', async () => {
    const client = await connectTo(patient);
    const chunks = DEPOSIT.split('')
      .map((letter) => `1\r\n${letter}\r\n`)
      .join('');
    client.socket.write(opening([JSON_TYPE, 'Transfer-Encoding: chunked'], `${chunks}0\r\n\r\n`));
    await until(() => client.statuses().length === 1);
    expect(client.statuses()).toEqual([201]);
  });

  test.each([
    ['says nothing', ''],
    ['stops in the request line', 'GET /heal'],
    ['stops in the headers', 'GET /healthz HTTP/1.1\r\nHost: tower.test\r\nX-Slow: '],
    ['stops before the body', opening([JSON_TYPE, 'Content-Length: 100'], '')],
    ['stops in the body', opening([JSON_TYPE, 'Content-Length: 100'], '{"amount')],
    ['stops in a chunk', opening([JSON_TYPE, 'Transfer-Encoding: chunked'], 'ff\r\n{"amount')],
    ['stops before the last chunk', opening([JSON_TYPE, 'Transfer-Encoding: chunked'], `12\r\n${DEPOSIT}\r\n`)],
  ])('that %s is cut off, with 408', async (_, text) => {
    const before = await countSessions();
    const client = await exchange(hasty, text);
    expect(client.statuses()).toEqual([408]);
    expectProblems(client.received());
    expect(await countSessions()).toBe(before);
  });

  test('that goes on with its headers for ever is cut off all the same', async () => {
    const strict = await openListener(server.app, { headersMs: 200, requestMs: 60_000, checkMs: 50 });
    const client = await connectTo(strict);
    client.socket.write('GET /healthz HTTP/1.1\r\nHost: tower.test\r\n');
    const sending = setInterval(() => client.socket.write('X-More: x\r\n'), 20);
    await client.closed;
    clearInterval(sending);
    expect(client.statuses()).toEqual([408]);
    await strict.close();
  });

  test('does not stand in the way of others, be there 300 of its kind', async () => {
    const idle = await Promise.all(Array.from({ length: 300 }, () => connectTo(patient)));
    for (const { socket } of idle) socket.write('GET /healthz HTTP/1.1\r\n');
    await until(async () => (await patient.connectionCount()) === 300);
    const { status } = await fetch(`http://127.0.0.1:${patient.port}/readyz`, { headers: { connection: 'close' } });
    expect(status).toBe(200);
  });

  test('is cut off when nothing moves for long, a stream or not', async () => {
    const silent = await openListener(server.app, { silenceMs: 2000 });
    const session = await server.fund();
    const client = await openClient(silent.port);
    client.socket.write(
      requestText({
        method: 'GET',
        path: `/sessions/${session.id}/events`,
        headers: [`Authorization: Bearer ${session.key}`],
      }),
    );
    await client.closed;
    expect(client.statuses()).toEqual([200]);
    await silent.close();
  });
});

describe('a client that is gone', () => {
  test.each([
    ['in its headers', 'POST /sessions HTTP/1.1\r\nHost: tow'],
    ['before its body', requestText({ path: '/sessions', headers: [JSON_TYPE, 'Content-Length: 18'] })],
    ['in its body', requestText({ path: '/sessions', headers: [JSON_TYPE, 'Content-Length: 18'], body: '{"amou' })],
    [
      'in a chunk of it',
      requestText({ path: '/sessions', headers: [JSON_TYPE, 'Transfer-Encoding: chunked'], body: '12\r\n{"am' }),
    ],
  ])('%s opened no session, and is no mistake of ours', async (_, text) => {
    const before = await countSessions();
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const client = await connectTo(patient);
      client.socket.write(text);
      await until(() => client.socket.bytesWritten === text.length);
      await until(async () => (await patient.connectionCount()) === 1);
      client.socket[leave]();
      await until(async () => (await patient.connectionCount()) === 0);
    }
    expect(await countSessions()).toBe(before);
  });

  test('half closed after its request is answered, or not, and let go', async () => {
    const client = await connectTo(patient);
    client.socket.end(requestText({ method: 'GET', path: '/healthz' }));
    await client.closed;
    expect([[200], []]).toContainEqual(client.statuses());
  });
});

describe('a framing that two servers could read in two ways', () => {
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: tower.test\r\n\r\n';
  const opening = (headers: string[], body: string) =>
    requestText({ path: '/sessions', headers: [JSON_TYPE, ...headers], body });

  test.each([
    ['a negative length', opening(['Content-Length: -1'], DEPOSIT)],
    ['a length in words', opening(['Content-Length: many'], DEPOSIT)],
    ['a length in hex', opening(['Content-Length: 0x12'], DEPOSIT)],
    ['a length with a sign', opening(['Content-Length: +18'], DEPOSIT)],
    ['a length that overflows', opening(['Content-Length: 99999999999999999999999'], DEPOSIT)],
    ['two lengths that differ', opening(['Content-Length: 18', 'Content-Length: 5'], DEPOSIT)],
    ['two lengths that agree', opening(['Content-Length: 18', 'Content-Length: 18'], DEPOSIT)],
    ['a list of lengths', opening(['Content-Length: 18, 18'], DEPOSIT)],
    ['a length and chunks', opening(['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`)],
    ['chunks and a length', opening(['Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${smuggled}`)],
    ['an encoding that nobody knows', opening(['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`)],
    ['chunked, but not last', opening(['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${smuggled}`)],
    ['chunked twice', opening(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`)],
    ['a space before the colon', opening(['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`)],
    ['a folded header', opening(['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${smuggled}`)],
    ['lines that end in LF alone', `POST /sessions HTTP/1.1\nHost: tower.test\nContent-Length: 0\n\n${smuggled}`],
    ['U+0000 in a header', opening(['X-Odd: a\0b', 'Content-Length: 0'], smuggled)],
    ['a chunk size in words', opening(['Transfer-Encoding: chunked'], `zz\r\n${DEPOSIT}\r\n0\r\n\r\n`)],
    ['a negative chunk size', opening(['Transfer-Encoding: chunked'], `-12\r\n${DEPOSIT}\r\n0\r\n\r\n`)],
    ['a chunk size that overflows', opening(['Transfer-Encoding: chunked'], `fffffffffffffffff\r\n${DEPOSIT}`)],
    ['a chunk longer than its size', opening(['Transfer-Encoding: chunked'], `5\r\n${DEPOSIT}\r\n0\r\n\r\n`)],
    ['a chunk ended by LF alone', opening(['Transfer-Encoding: chunked'], `12\n${DEPOSIT}\n0\n\n`)],
  ])('%s is refused, and what follows is not answered', async (_, text) => {
    const before = await countSessions();
    const client = await exchange(patient, text);
    const [status, ...more] = client.statuses();
    expect({ status, more }).toEqual({ status: 400, more: [] });
    expectProblems(client.received());
    expect(await countSessions()).toBe(before);
  });

  test('a length shorter than the body: the rest is no request', async () => {
    const client = await exchange(patient, opening(['Content-Length: 5'], DEPOSIT));
    expect([[400], [400, 400]]).toContainEqual(client.statuses());
  });

  test('a length longer than the body takes what follows for the body', async () => {
    const client = await exchange(hasty, opening([`Content-Length: ${DEPOSIT.length + 10_000}`], DEPOSIT + smuggled));
    expect(client.statuses()).toEqual([408]);
  });
});

describe('what is hardly HTTP', () => {
  const hello = new Uint8Array([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]);

  test.each<[string, string | Uint8Array, number[]]>([
    ['the start of TLS', hello, [400]],
    ['random bytes', new Uint8Array(Array.from({ length: 300 }, (_, n) => (n * 7919) % 256)), [400]],
    ['HTTP/0.9', 'GET /healthz\r\n\r\n', [200]],
    ['HTTP/3.0', 'GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n', [400]],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
    ['a method that nobody knows', 'BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', [400]],
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n', [400]],
    ['a Host that is none', 'GET /healthz HTTP/1.1\r\nHost: a/b@c:\r\nConnection: close\r\n\r\n', [400]],
    ['headers of 100 kB', `GET / HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(100_000)}\r\n\r\n`, [431]],
    ['a path of 100 kB', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, [431]],
    ['a tunnel', 'CONNECT tower.test:443 HTTP/1.1\r\nHost: a\r\n\r\n', []],
    ['an expectation', 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: wonders\r\n\r\n', [417]],
    [
      'an upgrade',
      'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n',
      [200],
    ],
    ['a path that is a URL', 'GET http://other.test/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', [200]],
    ['a path that is a star', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', [400]],
    ['a path without a slash', 'GET healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', [400]],
  ])('%s is answered and let go', async (_, bytes, statuses) => {
    const client = await exchange(patient, bytes);
    expect(client.statuses()).toEqual(statuses);
    if (statuses.some((status) => status >= 400)) expectProblems(client.received());
  });

  test('a thousand headers are fewer than they seem, and harm nobody', async () => {
    const headers = Array.from({ length: 1000 }, (_, n) => `X${n}: 1`);
    const client = await exchange(
      patient,
      requestText({ method: 'GET', path: '/healthz', headers: [...headers, 'Connection: close'] }),
    );
    expect([[200], [431]]).toContainEqual(client.statuses());
  });
});
