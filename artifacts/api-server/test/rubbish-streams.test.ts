/** Readers of a stream that do not read, and callers who hang up: the turn ends all the same, and nothing is kept for them. */
import { once } from 'node:events';

import type { TurnAnswer } from '@timmy-tower/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import {
  createMessageScript,
  expectBooksBalance,
  openTestApp,
  type TestApp,
  type TestSession,
  until,
} from './harness.ts';
import { type Listener, openClient, openListener, requestText } from './sockets.ts';

const script = createMessageScript();

let server: TestApp;
let listener: Listener;
beforeAll(async () => {
  const history = { maxMessages: 8, tokenBudget: 4000, recallTokens: 0 };
  const limits = { minDepositSats: 10, maxDepositSats: 1_000_000, history, historyLimit: history };
  // A reply that is longer than any buffer on its way.
  server = await openTestApp({ agent: script.agent, deps: { limits: { ...limits, maxOutputTokens: 1_000_000 } } });
  listener = await openListener(server.app);
});
afterEach(async () => {
  script.clear();
  await until(async () => (await listener.connectionCount()) === 0);
  await expectBooksBalance(server);
});
afterAll(async () => {
  await listener.close();
  await server.close();
});

/** What a client sends to say something. */
const saying = ({ id, key }: TestSession, content: string, accept = 'text/event-stream'): string => {
  const body = JSON.stringify({ content });
  const headers = [
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    `Accept: ${accept}`,
    `Content-Length: ${body.length}`,
  ];
  return requestText({ path: `/sessions/${id}/request`, headers, body });
};

/** The only turn of a session, once it has ended. */
async function ended(session: TestSession): Promise<TurnAnswer['request']> {
  const find = () =>
    server.query<{ id: string }>("SELECT id FROM session_requests WHERE session_id = $1 AND state <> 'running'", [
      session.id,
    ]);
  await until(async () => (await find()).length === 1);
  return (await session.call<TurnAnswer>(`/requests/${(await find())[0]!.id}`)).body.request;
}

describe('a reader that never reads', () => {
  const words = 'Steam rises over the kettle, and the tower looks on. '.repeat(600);
  const askForALot = async ({ port }: Listener) => {
    const session = await server.fund(1_000_000);
    script.when('tell me a lot', { deltas: Array.from({ length: 130 }, () => words) });
    const { socket } = await openClient(port);
    socket.pause();
    socket.write(saying(session, 'tell me a lot'));
    return { session, socket };
  };

  test('holds up neither its turn nor the server', async () => {
    const { session, socket } = await askForALot(listener);
    expect(await ended(session)).toMatchObject({ state: 'completed', chargedMsat: expect.any(Number) });
    expect(await listener.connectionCount(), 'it still has much to read').toBe(1);
    socket.destroy();
  });

  test('is let go, and its turn is stored', async () => {
    const hasty = await openListener(server.app, { silenceMs: 1500 });
    const { session, socket } = await askForALot(hasty);
    await until(async () => (await hasty.connectionCount()) === 1);
    await until(async () => (await hasty.connectionCount()) === 0);
    expect(await ended(session)).toMatchObject({ state: 'completed' });
    expect(socket.bytesRead).toBeLessThan(words.length * 130);
    socket.destroy();
    await hasty.close();
  });
});

test('callers who hang up while Timmy speaks are charged for a turn that is stored', async () => {
  const gate = Promise.withResolvers<void>();
  script.when('slowly', { deltas: ['Once ', gate.promise, 'upon a time'] });
  const sessions = await Promise.all(Array.from({ length: 20 }, () => server.fund()));
  await Promise.all(
    sessions.map(async (session, n) => {
      const client = await openClient(listener.port);
      const streaming = n % 2 === 0;
      client.socket.write(saying(session, 'slowly', streaming ? undefined : 'application/json'));
      const running = async () => (await session.show()).heldMsat > 0;
      await until(async () => (streaming ? client.received().includes('Once ') : running()));
      if (n % 3 === 0) client.socket.resetAndDestroy();
      else client.socket.destroy();
      await once(client.socket, 'close');
    }),
  );
  await until(async () => (await listener.connectionCount()) === 0);
  gate.resolve();
  for (const request of await Promise.all(sessions.map(ended))) expect(request.state).toBe('completed');
  for (const session of sessions) {
    const { body } = await session.call<{ messages: { content: string }[] }>('/messages');
    expect(body.messages.map(({ content }) => content)).toEqual(['slowly', 'Once upon a time']);
    const { balanceMsat, heldMsat } = await session.show();
    expect(heldMsat).toBe(0);
    expect(balanceMsat).toBeLessThan(1_000_000);
  }
});

test('no pings pile up for a reader that does not read', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const session = await server.fund();
  const gate = Promise.withResolvers<void>();
  script.when('wait', { deltas: ['Well', gate.promise, '.'] });
  const response = await server.app.request(`/sessions/${session.id}/request`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${session.key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: '{"content":"wait"}',
  });
  await until(() => script.callsAbout('wait').length === 1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  gate.resolve();
  await ended(session);
  vi.useRealTimers();
  const text = await response.text();
  expect(text.match(/^event: \w+$/gm)).toEqual(['event: start', 'event: delta', 'event: delta', 'event: done']);
  expect(text.split(': ping').length - 1).toBeLessThan(3);
});
