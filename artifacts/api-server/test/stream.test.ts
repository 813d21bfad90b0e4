import { problemSchema, type StreamEvent, streamEventSchema, type TurnAnswer, turnSchema } from '@timmy-tower/contract';
import { expect, test } from 'vitest';

import { collect, readEvents, type TestSession, until } from './harness.ts';
import { postTurn, script, server, useServer } from './scripted-server.ts';

useServer();

const namesOf = (events: StreamEvent[]) => events.map(({ event }) => event);

const streamResponse = (session: TestSession, json: unknown, headers: Record<string, string> = {}) =>
  postTurn(session, JSON.stringify(json), { accept: 'text/event-stream', ...headers });

test('a streamed turn is start, the deltas as they are said, then done', async () => {
  const session = await server.fund();
  const gate = Promise.withResolvers<void>();
  script.when('hello', { deltas: ['Once ', 'upon ', gate.promise, 'a time'] });
  const events = await session.stream('hello');
  const next = async () => streamEventSchema.parse((await events.next()).value);

  const start = await next();
  expect(start).toMatchObject({ event: 'start', data: { history: { messages: 0, tokens: 0, dropped: 0 } } });
  let said = '';
  while (said !== 'Once upon ') {
    const delta = await next();
    if (delta.event !== 'delta') throw new Error(`expected a delta, got ${delta.event}`);
    said += delta.data.text;
  }
  expect((await session.call<TurnAnswer>(`/requests/${requestIdOf(start)}`)).body.request.state).toBe('running');
  gate.resolve();
  const rest = await collect(events);
  expect(namesOf(rest)).toEqual(['delta', 'done']);
  const done = rest.at(-1)!;
  expect(turnSchema.parse(done.data)).toEqual(done.data);
  expect(done.data).toMatchObject({
    request: { id: requestIdOf(start), state: 'completed' },
    reply: { content: 'Once upon a time' },
  });
});

function requestIdOf(event: StreamEvent): string {
  if (event.event !== 'start') throw new Error(`not a start: ${event.event}`);
  return event.data.requestId;
}

test('done is the JSON that a replay, a look-up and the same turn without a stream give', async () => {
  const session = await server.fund();
  const events = await collect(await session.stream('hello', { idempotencyKey: 'k' }));
  const done = events.at(-1)!.data;
  expect((await session.ask('hello', { idempotencyKey: 'k' })).body).toEqual(done);
  const { request } = turnSchema.parse(done);
  expect((await session.call(`/requests/${request.id}`)).body).toEqual(done);
});

test('the response says what it is and that nobody should keep it', async () => {
  const session = await server.fund();
  const response = await streamResponse(session, { content: 'hello' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(response.headers.get('cache-control')).toMatch(/no-(cache|store)/);
  await response.text();
});

test('line ends and anything else in the reply come through whole', async () => {
  const session = await server.fund();
  const reply = 'one\r\ntwo\rthree\n\ndata: four\n\nevent: done\u2028five\u0085 “six” 😀';
  script.when('hello', { deltas: [reply.slice(0, 9), reply.slice(9)] });
  const events = await collect(await session.stream('hello'));
  expect(events.flatMap((event) => (event.event === 'delta' ? [event.data.text] : [])).join('')).toBe(reply);
  expect(events.at(-1)).toMatchObject({ event: 'done', data: { reply: { content: reply } } });
});

test('a failure after the start is an error event that is a problem, and the end', async () => {
  const session = await server.fund(100);
  script.when('hello', { deltas: ['Once'], error: new Error('secret trouble') });
  const events = await collect(await session.stream('hello'));
  expect(namesOf(events)).toEqual(['start', 'delta', 'error']);
  expect(problemSchema.parse(events.at(-1)!.data)).toMatchObject({ code: 'agent-failed', status: 502 });
  expect(JSON.stringify(events)).not.toContain('secret trouble');
  expect(await session.show()).toMatchObject({ balanceMsat: 100_000, heldMsat: 0 });
});

test('an empty reply is an error event too', async () => {
  const session = await server.fund(100);
  script.when('hello', { deltas: [] });
  const events = await collect(await session.stream('hello'));
  expect(namesOf(events)).toEqual(['start', 'error']);
  expect(events.at(-1)!.data).toMatchObject({ code: 'agent-failed' });
});

test('what is wrong before the turn begins is a plain HTTP problem', async () => {
  const unpaid = await server.open();
  const funded = await server.fund();
  const spent = await server.fund(10);
  script.when('spend', { deltas: ['all of it'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
  await spent.ask('spend');
  const cases = [
    [unpaid, { content: 'hello' }, 402, 'payment-required'],
    [spent, { content: 'hello' }, 402, 'insufficient-balance'],
    [funded, { content: '' }, 422, 'invalid-request'],
    [{ ...funded, key: 'nonsense' }, { content: 'hello' }, 404, 'not-found'],
  ] as const;
  for (const [session, json, status, code] of cases) {
    const response = await streamResponse(session, json);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(problemSchema.parse(await response.json())).toMatchObject({ code, status });
  }
});

test('a reader that leaves does not undo the turn: it is stored, charged and replayed', async () => {
  const session = await server.fund(100);
  const gate = Promise.withResolvers<void>();
  script.when('hello', { deltas: ['Once ', gate.promise, 'upon a time'] });
  const response = await streamResponse(session, { content: 'hello' }, { 'idempotency-key': 'k' });
  const events = readEvents(response.body!);
  const first = await events.next();
  await events.next();
  await events.return(undefined);
  gate.resolve();
  const path = `/requests/${requestIdOf(streamEventSchema.parse(first.value))}`;
  await until(async () => (await session.call<TurnAnswer>(path)).body.request.state !== 'running');
  const replayed = await session.ask('hello', { idempotencyKey: 'k' });
  expect(replayed.status).toBe(200);
  expect(replayed.body).toMatchObject({ request: { state: 'completed' }, reply: { content: 'Once upon a time' } });
  expect(replayed.body.request.chargedMsat).toBeGreaterThan(0);
  expect(script.callsAbout('hello')).not.toHaveLength(0);
});

test('a caller that gives up on a plain answer does not undo the turn either', async () => {
  const session = await server.fund(100);
  const gate = Promise.withResolvers<void>();
  script.when('left', { deltas: ['Once ', gate.promise, 'upon a time'] });
  const leave = new AbortController();
  const answer = server.app.request(`/sessions/${session.id}/request`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session.key}`, 'content-type': 'application/json', 'idempotency-key': 'k' },
    body: JSON.stringify({ content: 'left' }),
    signal: leave.signal,
  });
  await until(() => script.callsAbout('left').length === 1);
  leave.abort();
  gate.resolve();
  await Promise.allSettled([answer]);
  await until(async () => (await session.ask('left', { idempotencyKey: 'k' })).status === 200);
  expect((await session.ask('left', { idempotencyKey: 'k' })).body.reply!.content).toBe('Once upon a time');
  expect(script.callsAbout('left')).toHaveLength(1);
});

test('text/event-stream among other wishes is a stream, and no wish is JSON', async () => {
  const session = await server.fund();
  const mixed = await streamResponse(
    session,
    { content: 'a' },
    { accept: 'text/event-stream, application/json;q=0.5' },
  );
  expect(mixed.headers.get('content-type')).toMatch(/^text\/event-stream/);
  await mixed.text();
  for (const accept of ['*/*', 'application/json', '']) {
    const plain = await streamResponse(session, { content: 'b' }, { accept });
    expect(plain.headers.get('content-type')).toMatch(/^application\/json/);
    await plain.text();
  }
});
