import type { Session } from '@timmy-tower/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionApi } from '../api/session-api.ts';
import { watchSession } from './watch-session.ts';

const session = { id: 'a session', status: 'active' } as Session;
const eventText = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const problem = (code: string, status: number) => ({ type: `/problems/${code}`, title: code, status, code });

const asked: string[] = [];
let events: () => Response;

/** A browser's page, and the server that it asks. */
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    return path.endsWith('/events') ? events() : Response.json(session);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  asked.splice(0);
});

const isStream = (path: string) => path.endsWith('/events');

function follow() {
  const seen: Session[] = [];
  const watcher = { onSession: (now: Session) => void seen.push(now), onGone: vi.fn(), onConnection: () => {} };
  return { seen, onGone: watcher.onGone, stop: watchSession(new SessionApi('1', 'key'), watcher) };
}

test.each<[string, () => Response]>([
  [
    'a stream that a newer one took the place of',
    () => new Response(eventText('session', session) + eventText('error', problem('too-many-readers', 429))),
  ],
  ['a stream that is refused', () => Response.json(problem('rate-limited', 429), { status: 429 })],
])('after %s the session is asked for every five seconds', async (_, answer) => {
  events = answer;
  const { seen, stop, onGone } = follow();
  await vi.advanceTimersByTimeAsync(4900);
  expect(asked.filter((path) => !isStream(path))).toEqual([]);
  const before = seen.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.filter(isStream)).toHaveLength(1);
  expect(asked.filter((path) => !isStream(path)).length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(15);
  expect(seen.length).toBe(before + asked.length - 1);
  expect(onGone).not.toHaveBeenCalled();
  stop();
});

test('a tab that is looked at again asks for a stream again', async () => {
  events = () => new Response(eventText('error', problem('too-many-readers', 429)));
  const { stop } = follow();
  await vi.advanceTimersByTimeAsync(6000);
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(100);
  expect(asked.filter(isStream)).toHaveLength(2);
  stop();
});

test('a stream that broke off is tried again soon', async () => {
  events = () => new Response(eventText('session', session));
  const { stop } = follow();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.filter(isStream).length).toBeGreaterThan(4);
  stop();
});
