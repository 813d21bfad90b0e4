/** Readers of a session's events over real connections: each ends with its connection, however that ends. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { type TestSession, until } from './harness.ts';
import { server, useServer } from './scripted-server.ts';
import { type Listener, openClient, openListener, type RawClient, requestText } from './sockets.ts';

useServer();
let listener: Listener;
beforeAll(async () => {
  listener = await openListener(server.app);
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(async () => {
  vi.useRealTimers();
  for (const { socket } of clients.splice(0)) socket.destroy();
});
afterAll(() => listener.close());

const clients: RawClient[] = [];
const readerCount = () => server.deps.watchedSessions.size;

async function expectNothingLeft(): Promise<void> {
  await until(async () => readerCount() + (await listener.connectionCount()) === 0);
  expect(vi.getTimerCount(), 'nothing is looked at any more').toBe(0);
}

async function connect(): Promise<RawClient> {
  const client = await openClient(listener.port);
  clients.push(client);
  return client;
}

const askingForEvents = ({ id, key }: TestSession, method = 'GET') =>
  requestText({ method, path: `/sessions/${id}/events`, headers: [`Authorization: Bearer ${key}`] });

test('HEAD is answered with headers alone, a hundred times on one connection', async () => {
  const session = await server.open();
  const client = await connect();
  client.socket.write(askingForEvents(session, 'HEAD').repeat(100));
  await until(() => client.statuses().length === 100);
  expect(new Set(client.statuses())).toEqual(new Set([200]));
  expect(client.received()).not.toContain('event:');
  expect(readerCount()).toBe(0);
  client.socket.write(requestText({ method: 'GET', path: '/healthz' }));
  await until(() => client.received().endsWith('{"status":"ok"}'));
  client.socket.destroy();
  await expectNothingLeft();
});

test.each([
  ['hangs up', ({ socket }: RawClient) => socket.end()],
  ['is gone', ({ socket }: RawClient) => socket.destroy()],
  ['breaks off', ({ socket }: RawClient) => socket.resetAndDestroy()],
])('a reader who %s is forgotten', async (_, leave) => {
  const client = await connect();
  client.socket.write(askingForEvents(await server.open()));
  await until(() => client.received().includes('event: session'));
  expect(readerCount()).toBe(1);
  leave(client);
  await expectNothingLeft();
});

test('one who half-closes its connection with the request is answered, or not, and forgotten', async () => {
  const client = await connect();
  client.socket.end(askingForEvents(await server.open()));
  await client.closed;
  expect([[200], []]).toContainEqual(client.statuses());
  await expectNothingLeft();
});

test('with HTTP/1.0 events come bare, and end with the connection', async () => {
  const session = await server.open();
  const client = await connect();
  client.socket.write(askingForEvents(session).replace('HTTP/1.1', 'HTTP/1.0'));
  await until(() => client.received().includes('event: session'));
  const [head, body] = client.received().split('\r\n\r\n', 2);
  expect(head).not.toMatch(/transfer-encoding|keep-alive/i);
  expect(body).toMatch(/^event: session\ndata: \{.*\}\n\n$/);
  await server.query('DELETE FROM sessions WHERE id = $1', [session.id]);
  await vi.advanceTimersByTimeAsync(500);
  await client.closed;
  expect(client.received()).toMatch(/event: error\ndata: \{.*\}\n\n$/);
});

test('callers who are gone before their key was checked leave nothing behind', async () => {
  const session = await server.open();
  const gate = await server.deps.db.$client.connect();
  await gate.query('BEGIN; LOCK TABLE session_keys IN ACCESS EXCLUSIVE MODE');
  const waiting = async () => {
    const [row] = await server.query<{ count: string }>(
      "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'session_keys'::regclass",
    );
    return Number(row!.count);
  };
  for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const client = await connect();
    client.socket.write(askingForEvents(session));
    // oxlint-disable-next-line no-await-in-loop
    await until(async () => (await waiting()) > 0);
    client.socket[leave]();
  }
  await until(async () => (await listener.connectionCount()) === 0);
  await gate.query('COMMIT');
  gate.release();
  await until(async () => (await waiting()) === 0);
  await expectNothingLeft();
  expect(clients.map(({ statuses }) => statuses())).toEqual([[], [], []]);
});

test('streams that wait behind another on their connection have not begun, and never do once it is gone', async () => {
  const session = await server.open();
  const client = await connect();
  client.socket.write(askingForEvents(session).repeat(5));
  await until(() => readerCount() === 1 && client.statuses().length > 0);
  expect(client.statuses()).toEqual([200]);
  client.socket.destroy();
  await expectNothingLeft();
});

test('a stream that waits behind what is not taken begins once that was taken', async () => {
  const session = await server.open();
  const client = await connect();
  client.socket.pause();
  client.socket.write(requestText({ method: 'GET', path: '/openapi.json' }).repeat(300) + askingForEvents(session));
  expect(readerCount()).toBe(0);
  client.socket.resume();
  await until(() => readerCount() === 1);
  client.socket.destroy();
  await until(async () => (await listener.connectionCount()) === 0);
});
