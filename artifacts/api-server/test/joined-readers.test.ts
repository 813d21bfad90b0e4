/** How many may read replies along, and that nothing is left of those who left, or who take nothing. */
import { randomUUID } from 'node:crypto';

import { problemSchema } from '@timmy-tower/contract';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import { JoinedReplies } from '../src/sessions/joined-replies.ts';
import { createSessionKey, hashSessionKey } from '../src/sessions/session-key.ts';
import { type TestSession, until } from './harness.ts';
import { type Asker, askToJoin, type Joiner, join, namesOf, sayGated } from './joiners.ts';
import { openBeside, server, useServer } from './scripted-server.ts';
import { type Listener, openClient, openListener, type RawClient, requestText } from './sockets.ts';

useServer();
const clients: RawClient[] = [];
let listener: Listener;
beforeAll(async () => {
  listener = await openListener(server.app);
});
afterEach(async () => {
  vi.useRealTimers();
  for (const { socket } of clients.splice(0)) socket.destroy();
  await until(() => readerCount() === 0);
});
afterAll(() => listener.close());

const readerCount = () => server.deps.joinedReplies.size;
const stopTheClock = () => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });

/** So many readers that have begun, each older than the next. */
async function joinTimes(count: number, session: Asker, requestId: string): Promise<Joiner[]> {
  const joiners: Joiner[] = [];
  for (let n = 0; n < count; n += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one is older than the next
    const joiner = await join(session, requestId);
    joiners.push(joiner);
    // oxlint-disable-next-line no-await-in-loop
    await joiner.next();
  }
  return joiners;
}

async function addKey({ id }: TestSession): Promise<Asker> {
  const key = createSessionKey(id);
  await server.query('INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [id, hashSessionKey(key)]);
  return { id, key };
}

async function connect(): Promise<RawClient> {
  const client = await openClient(listener.port);
  clients.push(client);
  return client;
}

const askingToJoin = ({ id, key }: Asker, requestId: string, method = 'GET') =>
  requestText({
    method,
    path: `/sessions/${id}/requests/${requestId}`,
    headers: [`Authorization: Bearer ${key}`, 'Accept: text/event-stream'],
  });

test('eight read with a key, 32 of a session: one more ends the oldest, and says so; the turn goes on', async () => {
  const session = await server.fund();
  const turn = await sayGated(session, ['Once ', 'upon a time']);
  const ofKey = await joinTimes(9, session, turn.requestId);
  const ended = await ofKey[0]!.rest();
  expect(namesOf(ended)).toEqual(['error']);
  expect(ended[0]!.data).toMatchObject({
    code: 'too-many-readers',
    status: 429,
    detail: expect.stringContaining('GET /sessions/{id}/requests/{requestId}'),
  });
  const keys = await Promise.all([1, 2, 3, 4].map(() => addKey(session)));
  const others = [];
  // oxlint-disable-next-line no-await-in-loop -- the oldest first
  for (const key of keys) others.push(...(await joinTimes(6, key, turn.requestId)));
  expect(readerCount()).toBe(32);
  others.push(...(await joinTimes(1, keys[0]!, turn.requestId)));
  expect(namesOf(await ofKey[1]!.rest())).toEqual(['error']);
  expect(readerCount()).toBe(32);
  turn.goOn();
  turn.goOn();
  const ending = (await turn.asked).at(-1);
  for (const joiner of [...ofKey.slice(2), ...others]) expect((await joiner.rest()).at(-1)).toEqual(ending);
});

test('so many read on a server; one more is refused, and let in when one has left', async () => {
  const { db, watchedSessions } = server.deps;
  const joinedReplies = new JoinedReplies({ db, watchedSessions, mostReaders: 1 });
  const small = await openBeside({ deps: { joinedReplies } });
  const session = await small.fund();
  const turn = await sayGated(session, ['Once']);
  const first = await join(session, turn.requestId, small);
  await first.next();
  const refused = await askToJoin(session, turn.requestId, { at: small });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect(problemSchema.parse(await refused.json())).toMatchObject({ code: 'unavailable' });
  await first.leave();
  const next = await join(session, turn.requestId, small);
  expect(await next.next()).toMatchObject({ event: 'start' });
  turn.goOn();
  await turn.asked;
  await next.rest();
  await small.close();
});

test('HEAD answers the headers alone, and starts nothing, whatever the state and wherever it runs', async () => {
  const session = await server.fund();
  const ended = (await session.ask('hello')).body.request.id;
  const turn = await sayGated(session, ['Once']);
  const other = await openBeside({ watch: false });
  stopTheClock();
  for (const [requestId, at] of [
    [ended, server],
    [turn.requestId, server],
    [turn.requestId, other],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const { status, headers, body } = await askToJoin(session, requestId, { at, method: 'HEAD' });
    expect([status, headers.get('content-type'), body]).toEqual([200, 'text/event-stream', null]);
  }
  const client = await connect();
  client.socket.write(askingToJoin(session, turn.requestId, 'HEAD').repeat(20));
  await until(() => client.statuses().length === 20);
  expect(new Set(client.statuses())).toEqual(new Set([200]));
  expect(client.received()).not.toContain('event:');
  expect([readerCount(), other.deps.joinedReplies.size, vi.getTimerCount()]).toEqual([0, 0, 0]);
  vi.useRealTimers();
  turn.goOn();
  await turn.asked;
  await other.close();
});

test('when those who waited have left, nothing is looked at any more, here and on another server', async () => {
  const session = await server.fund();
  const turn = await sayGated(session, ['Once']);
  const other = await openBeside({ watch: false });
  stopTheClock();
  for (const [at, timers] of [
    [server, 1],
    [other, 3],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop
    const responses = await Promise.all([1, 2].map(() => askToJoin(session, turn.requestId, { at })));
    const readers = responses.map(({ body }) => body!.getReader());
    const reads = readers.map((reader) => reader.read());
    expect([at.deps.joinedReplies.size, vi.getTimerCount()], 'to ping, and to look').toEqual([2, timers]);
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(readers.map((reader) => reader.cancel()));
    expect([at.deps.joinedReplies.size, vi.getTimerCount()]).toEqual([0, 0]);
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(reads);
  }
  vi.useRealTimers();
  turn.goOn();
  await turn.asked;
  await other.close();
});

test('who waits is pinged; who takes nothing is cut after two pings', async () => {
  stopTheClock();
  const session = await server.fund();
  const turn = await sayGated(session, ['Once']);
  const idle = (await askToJoin(session, turn.requestId)).body!.getReader();
  await idle.read();
  const reading = (await askToJoin(session, turn.requestId)).body!.getReader();
  const chunks: string[] = [];
  const readOn = async (): Promise<void> => {
    const { value, done } = await reading.read();
    if (done) return;
    chunks.push(new TextDecoder().decode(value));
    return readOn();
  };
  const read = readOn();
  await until(() => chunks.length === 2);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(readerCount()).toBe(1);
  expect(new TextDecoder().decode((await idle.read()).value)).toBe(': ping\n\n');
  expect((await idle.read()).done, 'no pings piled up').toBe(true);
  expect(chunks.slice(2)).toEqual(Array.from({ length: 240 }, () => ': ping\n\n'));
  await reading.cancel();
  await read;
  vi.useRealTimers();
  turn.goOn();
  await turn.asked;
});

test('who reads nothing of its connection holds nobody up, and is cut', async () => {
  const session = await server.fund();
  const requestId = randomUUID();
  const turn = server.deps.runningTurns.add({ sessionId: session.id, requestId });
  stopTheClock();
  const client = await connect();
  client.socket.pause();
  client.socket.write(askingToJoin(session, requestId));
  await until(() => readerCount() === 1);
  turn.reply.show({ messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false });
  // More than a connection holds of what is on its way.
  turn.reply.say('x'.repeat(30_000_000));
  await vi.advanceTimersByTimeAsync(29_000);
  expect(readerCount()).toBe(1);
  turn.reply.fail(new Error('ended'));
  turn.end();
  await vi.advanceTimersByTimeAsync(16_000);
  expect([readerCount(), vi.getTimerCount()]).toEqual([0, 0]);
  client.socket.resume();
  await client.closed;
  expect(client.received().slice(-100)).not.toContain('event: error');
});

test.each([
  ['HTTP/1.1', /transfer-encoding: chunked/i],
  ['HTTP/1.0', /^(?![^]*transfer-encoding)/i],
])('in %s it comes as it is said, from the first moment on', async (version, head) => {
  const session = await server.fund();
  const turn = await sayGated(session, ['Once ', 'upon']);
  const client = await connect();
  client.socket.write(askingToJoin(session, turn.requestId).replace('HTTP/1.1', version));
  await until(() => client.received().includes('"Once "'));
  expect(client.received().split('\r\n\r\n')[0]).toMatch(head);
  turn.goOn();
  await until(() => client.received().includes('"upon"'));
  turn.goOn();
  await turn.asked;
  await until(() => client.received().includes('event: done'));
  if (version === 'HTTP/1.0') await client.closed;
});

test('on another server its headers come at once, though nothing is said yet', async () => {
  const session = await server.fund();
  const other = await openBeside();
  const turn = await sayGated(session, ['Once']);
  const beside = await openListener(other.app);
  const client = await openClient(beside.port);
  clients.push(client);
  client.socket.write(askingToJoin(session, turn.requestId));
  await until(() => client.statuses().length === 1);
  expect(client.received()).toMatch(/x-accel-buffering: no/i);
  expect(client.received()).not.toContain('event:');
  client.socket.destroy();
  await until(() => other.deps.joinedReplies.size === 0);
  turn.goOn();
  await turn.asked;
  await beside.close();
  await other.close();
});
