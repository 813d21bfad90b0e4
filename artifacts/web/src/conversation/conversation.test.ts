/** What a message goes through in a tab, against a server that answers as the test says. Without a storage, memory serves. */
import type { TurnAnswer } from '@timmy-tower/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { readPending } from '../keyring.ts';
import { Conversation } from './conversation.ts';

const ID = 'a-session';
const time = '2026-11-25T12:00:00.000Z';
const answerTo = (id: string, content: string): TurnAnswer => ({
  request: {
    id,
    state: 'completed',
    model: 'a model',
    inputTokens: 1,
    outputTokens: 1,
    reasoningTokens: 0,
    chargedMsat: 1,
    createdAt: time,
    finishedAt: time,
  },
  reply: { id: `reply-${id}`, role: 'assistant', content, tokenCount: 1, createdAt: time },
  balanceMsat: 1,
  history: { messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false },
});

/** A stream that begins a turn and then breaks off: how it ended has to be looked up. */
const brokenOff = (requestId: string) =>
  new Response(
    `event: start\ndata: ${JSON.stringify({ requestId, history: { messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false } })}\n\n`,
    { headers: { 'content-type': 'text/event-stream' } },
  );

let answer: (path: string, init: RequestInit) => Promise<Response>;
beforeEach(() => {
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => answer(path, init));
});
afterEach(() => vi.unstubAllGlobals());

test('a message is stored with its key before it leaves, so that a reload neither loses it nor pays twice', async () => {
  const sent = Promise.withResolvers<void>();
  answer = async (_path, { headers }) => {
    const stored = readPending(ID);
    expect(stored).toMatchObject({ content: 'hello' });
    expect(new Headers(headers).get('idempotency-key')).toBe(stored?.idempotencyKey);
    sent.resolve();
    return new Promise(() => {});
  };
  new Conversation(ID, 'tt_key').send('hello');
  await sent.promise;
});

test('a look-up that comes back late does not end the turn that took the other’s place', async () => {
  const lookUp = Promise.withResolvers<Response>();
  const looking = Promise.withResolvers<void>();
  let streams = 0;
  answer = async (path) => {
    if (path.endsWith('/requests/first')) {
      looking.resolve();
      return lookUp.promise;
    }
    streams += 1;
    return streams === 1 ? brokenOff('first') : new Promise(() => {});
  };
  const conversation = new Conversation(ID, 'tt_key');
  conversation.send('one');
  await looking.promise;
  conversation.takeBack();
  conversation.send('two');
  lookUp.resolve(Response.json(answerTo('first', 'the first reply')));
  await vi.waitFor(() => expect(streams).toBe(2));
  await new Promise((resolve) => setImmediate(resolve));
  expect(conversation.state.get()).toMatchObject({ turn: { content: 'two' }, messages: [] });
  expect(readPending(ID)).toMatchObject({ content: 'two' });
});

/** Of a server of the version before, which reads the key from `Authorization` alone, while one replaces the other. */
const keyNotSeen = () => {
  const problem = {
    type: '/problems/unauthorized',
    code: 'unauthorized',
    title: 'A session key is needed',
    status: 401,
  };
  return Response.json(problem, { status: 401, headers: { 'content-type': 'application/problem+json' } });
};

test('a server that does not see the key decides nothing: the same message is sent until one does', async () => {
  const keys: (string | null)[] = [];
  answer = async (_path, { headers }) => {
    keys.push(new Headers(headers).get('idempotency-key'));
    if (keys.length < 3) return keyNotSeen();
    const done = `event: done\ndata: ${JSON.stringify(answerTo('first', 'the reply'))}\n\n`;
    return new Response(done, { headers: { 'content-type': 'text/event-stream' } });
  };
  const conversation = new Conversation(ID, 'tt_key');
  conversation.send('hello');
  await vi.waitFor(() => expect(conversation.state.get().messages).toHaveLength(2), 10_000);
  expect(new Set(keys).size).toBe(1);
  expect(conversation.state.get().phase).not.toBe('gone');
});

test('a server that does not see the key while a conversation is opened is asked again', async () => {
  answer = async () => keyNotSeen();
  const conversation = new Conversation(ID, 'tt_key');
  conversation.reload();
  await vi.waitFor(() => expect(conversation.state.get().phase).toBe('unreachable'));
  const session = { id: ID, status: 'active', balanceMsat: 1000, heldMsat: 0 };
  answer = async (path) => Response.json(path.includes('/messages') ? { messages: [], hasMore: false } : session);
  conversation.reload();
  await vi.waitFor(() => expect(conversation.state.get().phase).toBe('ready'));
});
