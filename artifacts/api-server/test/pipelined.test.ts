/** Many requests in one go on one connection: all are answered in order, and nobody else waits for them. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { createScriptedAgent } from '@timmy-tower/agent/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp, until } from './harness.ts';
import { type Listener, openClient, openListener, type RawClient, requestText } from './sockets.ts';

const FLOOD = 5000;
const ask = (path: string) => requestText({ method: 'GET', path });

let server: TestApp;
let listener: Listener;
const clients: RawClient[] = [];
/** In the order in which the app began with them. */
const begun: string[] = [];

beforeAll(async () => {
  // Longer than the listener waits for headers.
  const agent = createScriptedAgent(() => ({ deltas: [delay(1000), 'Still here'] }));
  server = await openTestApp({ agent });
  const { fetch } = server.app;
  server.app.fetch = async (request, ...rest) => {
    begun.push(new URL(request.url).pathname);
    return fetch(request, ...rest);
  };
  listener = await openListener(server.app, { headersMs: 300, requestMs: 1000, checkMs: 50 });
});
afterEach(() => {
  begun.length = 0;
  for (const { socket } of clients.splice(0)) socket.destroy();
});
afterAll(async () => {
  await listener.close();
  await server.close();
});

async function connectAndSend(text: string): Promise<RawClient> {
  const client = await openClient(listener.port);
  clients.push(client);
  client.socket.write(text);
  return client;
}

test('whoever asks on another connection meanwhile is answered in between', async () => {
  const flood = await connectAndSend(ask('/healthz').repeat(FLOOD));
  await until(() => begun.length > 0);
  const beforeOther = begun.length;
  await (await fetch(`http://127.0.0.1:${listener.port}/nowhere`)).text();
  expect(begun.indexOf('/nowhere') - beforeOther).toBeLessThan(500);
  expect(begun.length).toBeLessThan(FLOOD / 2);
  await until(() => begun.length === FLOOD + 1);
  await until(() => flood.statuses().length >= FLOOD);
  expect(flood.statuses()).toEqual(Array.from({ length: FLOOD }, () => 200));
});

test('a hundred requests in one go are answered one by one, in their order', async () => {
  const paths = Array.from({ length: 100 }, (_, n) => (n % 2 ? '/nowhere' : '/healthz'));
  const client = await connectAndSend(paths.map(ask).join(''));
  await until(() => client.statuses().length === 100);
  expect(client.statuses()).toEqual(paths.map((path) => (path === '/healthz' ? 200 : 404)));
});

test('nothing is begun for those who take no answers', async () => {
  const client = await connectAndSend('');
  client.socket.pause();
  client.socket.write(ask('/docs/swagger-ui-bundle.js').repeat(200) + ask('/healthz'));
  await until(() => begun.length > 0);
  await (await fetch(`http://127.0.0.1:${listener.port}/readyz`)).text();
  expect(begun).not.toContain('/healthz');
  client.socket.resume();
  await until(() => begun.includes('/healthz'));
});

test('what cannot be read is refused after the answers to what came before it', async () => {
  const client = await connectAndSend(`${ask('/healthz')}${ask('/readyz')}BREW / HTTP/9\r\n\r\n${ask('/healthz')}`);
  await client.closed;
  expect(client.statuses()).toEqual([200, 200, 400]);
});

test('a connection on which many requests wait is not read from until they are fewer', async () => {
  const sockets: Socket[] = [];
  listener.server.once('connection', (socket: Socket) => sockets.push(socket));
  const client = await connectAndSend((await openTurn()) + ask('/healthz').repeat(100));
  await until(() => sockets[0]?.isPaused() === true);
  expect(client.statuses()).toEqual([]);
  await until(() => client.statuses().length === 101);
  expect(sockets[0]?.isPaused()).toBe(false);
});

test('a request that never ends does not cut the answer to the one before it', async () => {
  const client = await connectAndSend(`${await openTurn()}GET /healthz HTTP/1.1\r\nHost: `);
  await client.closed;
  expect(client.statuses()).toEqual([200, 408]);
});

async function openTurn(): Promise<string> {
  const session = await server.fund();
  const body = JSON.stringify({ content: 'Is this still answered?' });
  const headers = [
    `Authorization: Bearer ${session.key}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return requestText({ path: `/sessions/${session.id}/request`, headers, body });
}
