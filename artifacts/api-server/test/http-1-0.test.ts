/** HTTP/1.0, as simple clients and proxies still speak it: no chunks, and a stream ends where its connection does. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp, type TestSession, until } from './harness.ts';
import { type Listener, openClient, openListener } from './sockets.ts';

let server: TestApp;
let listener: Listener;
let session: TestSession;
beforeAll(async () => {
  server = await openTestApp();
  listener = await openListener(server.app);
  session = await server.fund();
});
afterAll(async () => {
  await listener.close();
  await server.close();
});

function textOf(method: string, path: string, headers: readonly string[], body = ''): string {
  const all = [`X-Session-Key: ${session.key}`, 'Content-Type: application/json', `Content-Length: ${body.length}`];
  return [`${method} ${path} HTTP/1.0`, ...all, ...headers, '', body].join('\r\n');
}

async function exchange(text: string) {
  const client = await openClient(listener.port);
  client.socket.write(text);
  await client.closed;
  const [head = '', ...rest] = client.received().split('\r\n\r\n');
  return { head, body: rest.join('\r\n\r\n') };
}

const turn = (...headers: string[]) =>
  textOf('POST', `/sessions/${session.id}/request`, headers, JSON.stringify({ content: 'hello' }));

test('an answer is whole, and closed at its end; without a host too', async () => {
  const { head, body } = await exchange(turn());
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(head).not.toMatch(/transfer-encoding/i);
  expect(JSON.parse(body)).toMatchObject({ reply: { content: 'Hello there' } });
});

test.each([[[]], [['Connection: keep-alive']]])(
  'a turn’s stream is bare events, closed at its end, with %j',
  async (more) => {
    const { head, body } = await exchange(turn('Accept: text/event-stream', ...more));
    expect(head).toMatch(/content-type: text\/event-stream/i);
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(body).toMatch(
      /^event: start\ndata: \{.*\}\n\n(event: delta\ndata: \{.*\}\n\n)+event: done\ndata: \{.*\}\n\n$/,
    );
  },
);

test('a session’s events are bare, come at once, and end with the connection', async () => {
  const client = await openClient(listener.port);
  client.socket.write(textOf('GET', `/sessions/${session.id}/events`, []));
  await until(() => client.received().includes('event: session'));
  expect(client.received()).not.toMatch(/transfer-encoding/i);
  expect(client.received().split('\r\n\r\n')[1]).toMatch(/^event: session\ndata: \{.*\}\n\n$/);
  server.deps.watchedSessions.close();
  await client.closed;
});

test('with HTTP/1.1 a stream goes in chunks, as it comes', async () => {
  const response = await fetch(`http://127.0.0.1:${listener.port}/sessions/${session.id}/request`, {
    method: 'POST',
    headers: { 'x-session-key': session.key, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ content: 'hello' }),
  });
  expect(response.headers.get('content-length')).toBeNull();
  expect(await response.text()).toMatch(/^event: start\n/);
});

test('a request that cannot be read is told so, with an id to ask about', async () => {
  const client = await openClient(listener.port);
  client.socket.write('GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n');
  await client.closed;
  const [head = '', body = ''] = client.received().split('\r\n\r\n');
  expect(client.statuses()).toEqual([400]);
  expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}$/im);
  expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'invalid-request' });
});
