/** A turn may fail before it is said to have started. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Conversation } from './conversation.ts';

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
