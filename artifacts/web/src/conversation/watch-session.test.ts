import type { Session } from '@timmy-tower/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionApi } from '../api/session-api.ts';
import { watchSession } from './watch-session.ts';

const unpaid = { id: 'a session', status: 'awaiting_payment', balanceMsat: 0, heldMsat: 0 } as Session;
const paid = { ...unpaid, status: 'active', balanceMsat: 500_000 } as Session;
const eventText = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const problem = (code: string, status: number) => ({ type: `/problems/${code}`, title: code, status, code });
const html = (status: number) => new Response('<h1>nginx</h1>', { status, headers: { 'content-type': 'text/html' } });

const streamOf = (body: BodyInit) => new Response(body, { headers: { 'content-type': 'text/event-stream' } });

/** A stream that goes on, and is written to by the test. */
function openStream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  // What is written to a stream that was dropped goes nowhere.
  const write = (text: string) => writer.write(new TextEncoder().encode(text)).catch(() => {});
  const answer = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => void writer.abort(new DOMException('', 'AbortError')).catch(() => {}));
    return streamOf(readable);
  };
  return { answer, write };
}

const asked: string[] = [];
let events: (signal: AbortSignal) => Response | Promise<Response>;
let show: () => Response;

/** A browser's page, and the server that it asks. */
beforeEach(() => {
  vi.useFakeTimers();
  show = () => Response.json(paid);
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  vi.stubGlobal('fetch', async (path: string, { signal }: { signal: AbortSignal }) => {
    asked.push(path);
    return path.endsWith('/events') ? events(signal) : show();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  asked.splice(0);
});

const isStream = (path: string) => path.endsWith('/events');
const streams = () => asked.filter(isStream).length;
const looks = () => asked.length - streams();

function follow({ awaitsPayment = false } = {}) {
  const seen: Session[] = [];
  const connection: boolean[] = [];
  const watcher = {
    onSession: (now: Session) => void seen.push(now),
    onMessages: vi.fn(),
    onGone: vi.fn(),
    onConnection: (connected: boolean) => void connection.push(connected),
    awaitsPayment: () => awaitsPayment,
  };
  const stop = watchSession(new SessionApi('1', 'key'), watcher);
  return { seen, connection, onGone: watcher.onGone, onMessages: watcher.onMessages, stop };
}

/** Nobody answers until the caller gives up. */
const silence = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))));

test.each<[string, () => Response]>([
  [
    'a stream that a newer one took the place of',
    () => streamOf(eventText('session', paid) + eventText('error', problem('too-many-readers', 429))),
  ],
  ['a stream that is refused', () => Response.json(problem('rate-limited', 429), { status: 429 })],
])('after %s the session is asked for every five seconds', async (_, answer) => {
  events = answer;
  const { seen, stop, onGone } = follow();
  await vi.advanceTimersByTimeAsync(4900);
  expect(looks()).toBe(0);
  const before = seen.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(streams()).toBe(1);
  expect(looks()).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(15);
  expect(seen.length).toBe(before + asked.length - 1);
  expect(onGone).not.toHaveBeenCalled();
  stop();
});

test('a tab that is looked at again asks for a stream again', async () => {
  events = () => streamOf(eventText('error', problem('too-many-readers', 429)));
  const { stop } = follow();
  await vi.advanceTimersByTimeAsync(6000);
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(100);
  expect(streams()).toBe(2);
  stop();
});

test('a stream that broke off is tried again soon', async () => {
  events = () => streamOf(eventText('session', paid));
  const { stop } = follow();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(streams()).toBeGreaterThan(4);
  stop();
});

test.each<[string, (signal: AbortSignal) => Response | Promise<Response>]>([
  ['whose answer never begins', silence],
  ['that begins and says nothing', (signal) => openStream().answer(signal)],
])('a stream %s: the session is asked for, and the stream is dropped after three pings', async (_, answer) => {
  const signals: AbortSignal[] = [];
  events = (signal) => {
    signals.push(signal);
    return answer(signal);
  };
  const { seen, stop } = follow();
  await vi.advanceTimersByTimeAsync(6000);
  expect(seen.at(-1)).toEqual(paid);
  // What asking told made it reconnect once; from then on the silence counts.
  const before = signals.length;
  await vi.advanceTimersByTimeAsync(40_000);
  expect(signals.length).toBe(before);
  expect(signals.at(-1)?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(signals.at(before - 1)?.aborted).toBe(true);
  expect(signals.length).toBe(before + 1);
  stop();
});

test('a stream that spoke and fell silent is asked beside once a ping is missed, and dropped after three', async () => {
  const stream = openStream();
  const later: AbortSignal[] = [];
  events = (signal) => {
    later.push(signal);
    return later.length === 1 ? stream.answer(signal) : silence(signal);
  };
  const { stop } = follow();
  void stream.write(eventText('session', paid));
  await vi.advanceTimersByTimeAsync(15_000);
  void stream.write(': ping\n\n');
  await vi.advanceTimersByTimeAsync(19_000);
  expect(looks()).toBe(0);
  await vi.advanceTimersByTimeAsync(7000);
  expect(looks()).toBeGreaterThan(0);
  expect(streams()).toBe(1);
  await vi.advanceTimersByTimeAsync(22_000);
  expect(later[0]?.aborted).toBe(true);
  expect(streams()).toBe(2);
  stop();
});

test('pings keep a stream, and nothing else is asked', async () => {
  const stream = openStream();
  events = stream.answer;
  const { stop } = follow();
  void stream.write(eventText('session', paid));
  for (let pings = 0; pings < 20; pings += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await vi.advanceTimersByTimeAsync(15_000);
    void stream.write(': ping\n\n');
  }
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual(['./sessions/1/events']);
  stop();
});

test('while a payment is awaited it is asked for, and a stream that holds back what is older is dropped', async () => {
  const stream = openStream();
  events = (signal) => (streams() === 1 ? stream.answer(signal) : silence(signal));
  show = () => Response.json(unpaid);
  const { seen, onMessages, stop } = follow({ awaitsPayment: true });
  void stream.write(eventText('session', unpaid));
  await vi.advanceTimersByTimeAsync(11_000);
  expect(seen).toEqual([unpaid]);
  expect(onMessages).toHaveBeenCalledOnce();
  expect(looks()).toBe(2);
  show = () => Response.json(paid);
  await vi.advanceTimersByTimeAsync(5000);
  expect(seen).toEqual([unpaid, paid]);
  void stream.write(eventText('session', unpaid));
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen).toEqual([unpaid, paid]);
  expect(streams()).toBe(2);
  stop();
});

test('what was asked for before the stream told something is not told after it', async () => {
  const stream = openStream();
  const asking = Promise.withResolvers<Response>();
  events = stream.answer;
  const { seen, stop } = follow({ awaitsPayment: true });
  void stream.write(eventText('session', unpaid));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an answer that takes its time
  show = () => asking.promise as unknown as Response;
  await vi.advanceTimersByTimeAsync(5100);
  void stream.write(eventText('session', paid));
  await vi.advanceTimersByTimeAsync(100);
  asking.resolve(Response.json(unpaid));
  await vi.advanceTimersByTimeAsync(100);
  expect(seen).toEqual([unpaid, paid]);
  stop();
});

test.each([
  ['a proxy’s 404', () => html(404)],
  ['a portal’s page', () => html(200)],
  [
    'another program’s problem',
    () => Response.json({ type: 'about:blank', title: 'No', status: 404 }, { status: 404 }),
  ],
  ['a server that does not see the key', () => Response.json(problem('unauthorized', 401), { status: 401 })],
])('%s does not end a session', async (_, answer) => {
  events = answer;
  show = answer;
  const { onGone, connection, seen, stop } = follow();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onGone).not.toHaveBeenCalled();
  expect(connection).toContain(false);
  expect(connection).not.toContain(true);
  events = () => streamOf(eventText('session', paid));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen).toContainEqual(paid);
  stop();
});

test('a session that is gone is told once, and nothing more is asked', async () => {
  events = () => Response.json(problem('not-found', 404), { status: 404 });
  const { onGone, stop } = follow();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(onGone).toHaveBeenCalledOnce();
  expect(asked).toHaveLength(1);
  stop();
});

test('messages are told of when a stream begins, and when it says so', async () => {
  const stream = openStream();
  events = stream.answer;
  const { onMessages, stop } = follow();
  void stream.write(eventText('session', paid));
  await vi.advanceTimersByTimeAsync(100);
  expect(onMessages).toHaveBeenCalledTimes(1);
  void stream.write(eventText('session', { ...paid, balanceMsat: 1 }));
  await vi.advanceTimersByTimeAsync(100);
  expect(onMessages).toHaveBeenCalledTimes(1);
  void stream.write(eventText('messages', { conversationId: '1' }));
  await vi.advanceTimersByTimeAsync(100);
  expect(onMessages).toHaveBeenCalledTimes(2);
  stop();
});

test.each<[string, (signal: AbortSignal) => Response | Promise<Response>]>([
  ['is refused', () => Response.json(problem('rate-limited', 429), { status: 429 })],
  ['is held back', silence],
])('where a stream %s, messages are asked for with the session', async (_, answer) => {
  events = answer;
  const { onMessages, stop } = follow();
  await vi.advanceTimersByTimeAsync(31_000);
  expect(onMessages.mock.calls.length).toBeGreaterThan(4);
  stop();
});
