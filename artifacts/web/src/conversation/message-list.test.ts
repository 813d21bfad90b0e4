/** What a tab knows of a conversation that others change, against a server that has what the test says. */
import type { Message } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionApi } from '../api/session-api.ts';
import { findKept, keepSession, sessionIdOf, updateKept } from '../keyring.ts';
import { ConversationStore } from './conversation-store.ts';
import { MessageList } from './message-list.ts';
import type { LiveTurn } from './state.ts';

const KEY = `tt_${'A'.repeat(64)}`;
const ID = sessionIdOf(KEY) ?? '';
const createdAt = '2026-11-25T12:00:00.000Z';
const messageOf = (id: string): Message => ({
  id,
  sessionRequestId: `request of ${id}`,
  role: 'assistant',
  content: id,
  tokenCount: 1,
  createdAt,
});
const messagesOf = (...ids: string[]) => ids.map(messageOf);
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `message ${index + 1}`);

/** What the server has, oldest first. */
let stored: Message[] = [];
let gate: Promise<void> = Promise.resolve();
let isDown = false;
/** The connection breaks before the answer is here. */
let isLost = false;
let isBusy = false;
const asked: URLSearchParams[] = [];

const problem = { type: '/problems/invalid-request', title: 'No', status: 422, code: 'invalid-request' };

function readPage(search: URLSearchParams): Response {
  const isOldestFirst = search.get('order') === 'asc';
  const after = search.get('after');
  const all = isOldestFirst ? stored : stored.toReversed();
  const place = all.findIndex(({ id }) => id === after);
  if (after && place < 0) {
    return Response.json(problem, { status: 422 });
  }
  const limit = Number(search.get('limit'));
  const rest = all.slice(place + 1);
  return Response.json({ messages: rest.slice(0, limit), hasMore: rest.length > limit });
}

beforeEach(() => {
  isDown = false;
  isLost = false;
  isBusy = false;
  gate = Promise.resolve();
  asked.splice(0);
  vi.stubGlobal('fetch', async (path: string, { method }: RequestInit) => {
    if (method === 'DELETE') return new Response(null, { status: 204 });
    if (isDown) throw new TypeError('fetch failed');
    const search = new URL(path, 'http://server').searchParams;
    asked.push(search);
    if (isBusy && search.has('after')) return Response.json({ ...problem, code: 'unavailable' }, { status: 503 });
    const answer = readPage(search);
    await gate;
    if (isLost) throw new TypeError('fetch failed');
    return answer;
  });
});
afterEach(() => vi.unstubAllGlobals());

/** A tab that shows what is stored now. */
function openList(ids: string[]) {
  stored = messagesOf(...ids);
  const store = new ConversationStore();
  const list = new MessageList(new SessionApi(ID, KEY), store);
  list.begin({ messages: stored.toReversed(), hasMore: false });
  store.change({ phase: 'ready' });
  const shown = () => store.get().messages.map(({ id }) => id);
  return { store, list, shown };
}

const replying: LiveTurn = {
  idempotencyKey: 'a key',
  content: 'mine',
  requestId: 'request of mine',
  status: 'replying',
};

test('what others said is appended from the newest known message on, over as many pages as it takes', async () => {
  const all = numbered(450);
  const { list, shown } = openList(all.slice(0, 1));
  stored = messagesOf(...all);
  await list.loadNewer();
  expect(shown()).toEqual(all);
  expect(asked.map((search) => search.get('after'))).toEqual(['message 1', 'message 201', 'message 401']);
});

test('a conversation that was forgotten elsewhere is emptied, and begins again from its newest page', async () => {
  const { list, shown, store } = openList(['old']);
  stored = [];
  await list.loadNewer();
  expect(shown()).toEqual([]);
  stored = messagesOf(...numbered(60));
  await list.loadNewer();
  expect(shown()).toEqual(numbered(60).slice(10));
  expect(store.get().older).toBe('more');
});

test('a server that is busy has forgotten nothing', async () => {
  const all = numbered(60);
  const { list, shown } = openList(all);
  isBusy = true;
  await list.loadNewer();
  expect(shown()).toEqual(all);
});

test('a conversation that was forgotten elsewhere has no title', async () => {
  keepSession(ID, KEY);
  updateKept(ID, { title: 'the title' });
  const { list } = openList(['old']);
  expect(findKept(ID)?.title).toBe('the title');
  stored = [];
  await list.loadNewer();
  expect(findKept(ID)?.title).toBe('');
});

test('what was said before an own turn is shown before it, though its reply was known first', async () => {
  const { list, shown, store } = openList(['first']);
  store.change({ messages: messagesOf('first', 'mine') });
  stored = messagesOf('first', 'theirs', 'mine', 'later');
  await list.loadNewer();
  expect(shown()).toEqual(['first', 'theirs', 'mine', 'later']);
});

test('while an own turn runs nothing is read, and what came meanwhile is read at its end', async () => {
  const { list, shown, store } = openList(['first']);
  store.change({ turn: replying });
  stored = messagesOf('first', 'theirs', 'mine');
  await list.loadNewer();
  expect(asked).toEqual([]);
  store.change({ turn: undefined, messages: messagesOf('first', 'mine') });
  await vi.waitFor(() => expect(shown()).toEqual(['first', 'theirs', 'mine']));
});

test('what an own turn stored does not show beside it, though it was being read when the turn began', async () => {
  const { list, shown, store } = openList(['first']);
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  stored = messagesOf('first', 'mine');
  const loading = list.loadNewer();
  store.change({ turn: replying });
  held.resolve();
  await loading;
  expect(shown()).toEqual(['first']);
});

test.each([['a message'], []])('an own turn that ended while the server was asked (after %s) stays', async (...ids) => {
  const { list, shown, store } = openList(ids);
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  stored = messagesOf(...ids, 'theirs');
  const loading = list.loadNewer();
  store.change({ messages: messagesOf(...ids, 'mine') });
  held.resolve();
  await loading;
  expect(shown()).toEqual([...ids, 'theirs', 'mine']);
});

test('what changed while the server was asked is asked for after it', async () => {
  const { list, shown } = openList(['first']);
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  const loading = list.loadNewer();
  stored = messagesOf('first', 'second');
  void list.loadNewer();
  held.resolve();
  await loading;
  expect(shown()).toEqual(['first', 'second']);
});

test('what was being read when the conversation was forgotten here does not come back', async () => {
  const { list, shown } = openList(['first']);
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  stored = messagesOf('first', 'second');
  const loading = list.loadNewer();
  await list.forget();
  stored = [];
  held.resolve();
  await loading;
  expect(shown()).toEqual([]);
});

test('what could not be read is read when the connection is back', async () => {
  const { list, shown, store } = openList(['first']);
  stored = messagesOf('first', 'second');
  isDown = true;
  await list.loadNewer();
  expect(shown()).toEqual(['first']);
  isDown = false;
  store.setConnected(false);
  store.setConnected(true);
  await vi.waitFor(() => expect(shown()).toEqual(['first', 'second']));
});

test('what was said while the newest page was on its way is read once that is here', async () => {
  stored = messagesOf('first', 'second');
  const store = new ConversationStore();
  const list = new MessageList(new SessionApi(ID, KEY), store);
  await list.loadNewer();
  expect(asked).toEqual([]);
  list.begin({ messages: messagesOf('first'), hasMore: false });
  store.change({ phase: 'ready' });
  await vi.waitFor(() => expect(store.get().messages).toHaveLength(2));
});

describe('older messages that are on their way', () => {
  const all = numbered(120);

  /** What a tab shows of a long conversation, with an answer about what is older held back. */
  async function loadOlderHeld() {
    const newest = all.slice(70);
    const opened = openList(newest);
    opened.list.begin({ messages: messagesOf(...newest).toReversed(), hasMore: true });
    stored = messagesOf(...all);
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const loading = opened.list.loadOlder();
    await vi.waitFor(() => expect(asked.at(-1)?.get('after')).toBe('message 71'));
    gate = Promise.resolve();
    const arrive = async () => {
      held.resolve();
      await loading;
    };
    return { ...opened, arrive };
  }

  test('come in above what is there', async () => {
    const { shown, store, arrive } = await loadOlderHeld();
    await arrive();
    expect(shown()).toEqual(all.slice(20));
    expect(store.get()).toMatchObject({ older: 'more', prepended: 50 });
  });

  test.each<[string, (list: MessageList) => Promise<void>]>([
    ['here', (list) => list.forget()],
    ['elsewhere', (list) => list.loadNewer()],
  ])('do not come back when the conversation was forgotten %s meanwhile', async (_, hear) => {
    const { list, shown, store, arrive } = await loadOlderHeld();
    stored = [];
    await hear(list);
    expect(shown()).toEqual([]);
    await arrive();
    expect(shown()).toEqual([]);
    expect(store.get()).toMatchObject({ older: 'none', prepended: 0 });
  });

  test('do not come back into a conversation that began again', async () => {
    const { list, shown, arrive } = await loadOlderHeld();
    stored = messagesOf('begun again');
    await list.loadNewer();
    await arrive();
    expect(shown()).toEqual(['begun again']);
  });

  test('that failed to come do not bring "more" back to a conversation that was forgotten', async () => {
    const { list, store, arrive } = await loadOlderHeld();
    await list.forget();
    isLost = true;
    await arrive();
    expect(store.get().older).toBe('none');
  });
});

test('a conversation that was forgotten while its first message was read gets no name from it', async () => {
  keepSession(ID, KEY);
  updateKept(ID, { title: '' });
  const { list } = openList(['first', 'second']);
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  const naming = list.nameSession();
  await list.forget();
  held.resolve();
  await naming;
  expect(findKept(ID)?.title).toBe('');
});
