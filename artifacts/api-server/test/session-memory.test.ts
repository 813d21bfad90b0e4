/** What callers can make the server hold in memory: connections that send slowly, or take nothing of what they asked for. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { createSessionQueues, SessionQueue } from '../src/sessions/session-queues.ts';
import { openTestApp, type TestApp, until } from './harness.ts';
import { type Listener, openClient, openListener, type RawClient } from './sockets.ts';

/** Lets in one at a time, and nobody waits. */
class OnlyOne extends SessionQueue {
  entered = 0;

  constructor() {
    super({ atOnce: 1, waiting: 0, patienceMs: 60_000, inAll: { atOnce: 100, waiting: 0 } });
  }

  override async run<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    return super.run(sessionId, async () => {
      this.entered += 1;
      return work();
    });
  }
}

const receiving = new OnlyOne();
const sending = new OnlyOne();
const clients: RawClient[] = [];
let server: TestApp;
let listener: Listener;

beforeAll(async () => {
  server = await openTestApp({ deps: { queues: { ...createSessionQueues(), receiving, sending } } });
  listener = await openListener(server.app);
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});
afterAll(async () => {
  await listener.close();
  await server.close();
});

async function connectAndSend(bytes: string): Promise<RawClient> {
  const client = await openClient(listener.port);
  clients.push(client);
  client.socket.write(bytes);
  return client;
}

test('of the bodies of a session only so many are read at once', async () => {
  const session = await server.fund();
  const head = `POST /sessions/${session.id}/request HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${session.key}\r\n`;
  const slow = await connectAndSend(`${head}Content-Type: application/json\r\nContent-Length: 500000\r\n\r\n{`);
  await until(() => receiving.entered === 1);
  expect(await session.ask('Is there room?')).toMatchObject({ status: 429 });
  const other = await server.fund();
  expect(await other.ask('Is there room for me?')).toMatchObject({ status: 200 });
  slow.socket.destroy();
  await until(async () => (await session.ask('Is there room now?')).status === 200);
});

test('of the pages of a session only so many wait to be taken', async () => {
  const session = await server.fund();
  await session.ask('What is long?');
  await server.query('UPDATE session_messages SET content = repeat($1, 6000000) WHERE session_id = $2', [
    'x',
    session.id,
  ]);
  const page = `GET /sessions/${session.id}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${session.key}\r\n\r\n`;
  const enteredBefore = sending.entered;
  const idle = await connectAndSend('');
  idle.socket.pause();
  idle.socket.write(page);
  await until(() => sending.entered > enteredBefore);
  const headers = { authorization: `Bearer ${session.key}` };
  const look = async () => server.app.request(`/sessions/${session.id}/messages`, { method: 'HEAD', headers });
  expect(await look()).toMatchObject({ status: 429 });
  idle.socket.destroy();
  await until(async () => (await look()).status === 200);
});

/** The answers that any server here begins while something is done, as Node tells of them. */
async function withAnswers(path: string, use: (answers: readonly ServerResponse[]) => Promise<void>): Promise<void> {
  const answers: ServerResponse[] = [];
  const note = (begun: unknown) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the channel's own (Node's reference, diagnostics_channel)
    const { response } = begun as { response: ServerResponse };
    if (response.req.url === path) answers.push(response);
  };
  subscribe('http.server.request.start', note);
  await use(answers).finally(() => unsubscribe('http.server.request.start', note));
}

test('those who do not take the API’s reference share its bytes', async () => {
  const path = '/docs/swagger-ui-bundle.js';
  await (await fetch(`http://127.0.0.1:${listener.port}${path}`)).text();
  const held = () => process.memoryUsage().arrayBuffers / 1024 / 1024;
  await withAnswers(path, async (answers) => {
    const before = held();
    const idle = await Promise.all(Array.from({ length: 100 }, () => connectAndSend('')));
    for (const { socket } of idle) {
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    }
    await until(() => answers.length === 100 && answers.every(({ writableEnded }) => writableEnded));
    expect(held() - before).toBeLessThan(60);
  });
});
