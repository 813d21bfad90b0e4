/** A message is sent again as it was sent, and its turn may fail before it is said to have started. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { dropPending, readPending, writePending } from '../keyring.ts';
import { Conversation } from './conversation.ts';

const LONG = { maxMessages: 200, tokenBudget: 16_000, recallTokens: 4000 };
const time = '2026-11-25T12:00:00.000Z';

const requests: { key: string | null; body: unknown }[] = [];
let answer: (path: string) => Promise<Response>;
beforeEach(() => {
  requests.length = 0;
  vi.stubGlobal('fetch', async (path: string, { headers, body }: RequestInit) => {
    if (typeof body === 'string')
      requests.push({ key: new Headers(headers).get('idempotency-key'), body: JSON.parse(body) });
    return answer(path);
  });
});
afterEach(() => vi.unstubAllGlobals());

const problemOf = (code: string, fields: object = {}) => ({
  type: `/problems/${code}`,
  code,
  title: 'Not now',
  status: 503,
  ...fields,
});
const streamOf = (event: string, data: object) =>
  new Response(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`, {
    headers: { 'content-type': 'text/event-stream' },
  });
const lookedUp = (state: string) =>
  Response.json({
    request: { id: 'the-request', state, chargedMsat: null, createdAt: time, finishedAt: time },
    reply: null,
    balanceMsat: 1,
    history: { messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false },
  });
/** Loads an empty conversation, and answers its turns. */
const withTurns = (turn: () => Response) => async (path: string) => {
  if (path.endsWith('/request')) return turn();
  if (path.includes('/messages')) return Response.json({ messages: [], hasMore: false });
  return Response.json({ id: 'a', status: 'active', balanceMsat: 1, heldMsat: 0 });
};
const failed = (conversation: Conversation) =>
  vi.waitFor(() => expect(conversation.state.get().turn?.status).toBe('failed'), 10_000);

test('a message is sent again with what it was sent with, by this page and by the next', async () => {
  answer = withTurns(() => Response.json(problemOf('agent-failed'), { status: 503 }));
  const conversation = new Conversation('again', 'tt_key');
  conversation.send('hello', LONG);
  await failed(conversation);
  conversation.retry();
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  await failed(conversation);
  const next = new Conversation('again', 'tt_key');
  next.reload();
  await failed(next);
  next.retry();
  await vi.waitFor(() => expect(requests).toHaveLength(3));
  expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
  for (const { body } of requests) expect(body).toEqual({ content: 'hello', history: LONG });
  await failed(next);
  next.takeBack();
});

test('a reload in the middle of a turn keeps what it was sent with', async () => {
  answer = withTurns(() => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } }));
  new Conversation('reloaded', 'tt_key').send('hello', LONG);
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  const next = new Conversation('reloaded', 'tt_key');
  next.reload();
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  expect(requests[1]).toEqual(requests[0]);
  expect(readPending('reloaded')).toMatchObject({ memory: LONG });
  dropPending('reloaded');
});

test('a turn that the page of the version before left is sent as that sent it', async () => {
  answer = withTurns(() => Response.json(problemOf('agent-failed'), { status: 503 }));
  writePending('before', { idempotencyKey: 'its key', content: 'hello' });
  const conversation = new Conversation('before', 'tt_key');
  conversation.reload();
  await failed(conversation);
  expect(requests).toEqual([{ key: 'its key', body: { content: 'hello' } }]);
  conversation.takeBack();
});

test('the model’s failure before anything was said of the turn is a failure, not charged', async () => {
  answer = withTurns(() => streamOf('error', problemOf('agent-failed', { requestId: 'the-request' })));
  const conversation = new Conversation('model', 'tt_key');
  conversation.send('hello');
  await failed(conversation);
  expect(conversation.state.get().turn).toMatchObject({ notCharged: true });
  conversation.takeBack();
});

test('a turn that the server lost before it said that it started is looked up, not sent again', async () => {
  const turns = withTurns(() => streamOf('error', problemOf('unavailable', { requestId: 'the-request' })));
  answer = async (path) => (path.endsWith('/requests/the-request') ? lookedUp('failed') : turns(path));
  const conversation = new Conversation('lost', 'tt_key');
  conversation.send('hello');
  await failed(conversation);
  expect(requests).toHaveLength(1);
  conversation.takeBack();
});

test('a server that breaks before it says that a turn started is not asked without end', async () => {
  answer = withTurns(() => streamOf('error', { type: 'about:blank', title: 'Internal Server Error', status: 500 }));
  const conversation = new Conversation('broken', 'tt_key');
  conversation.send('hello');
  await failed(conversation);
  expect(conversation.state.get().turn).toMatchObject({ notCharged: false });
  expect(requests).toHaveLength(4);
  expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
  conversation.takeBack();
});
