import type { MessagesPage, Problem, TurnAnswer } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { collect, type TestSession, until } from './harness.ts';
import { openBeside, postTurn, script, server, useServer } from './scripted-server.ts';

useServer();

async function textOf(session: TestSession, body: string, idempotencyKey = 'k') {
  const response = await postTurn(session, body, { 'idempotency-key': idempotencyKey });
  return { status: response.status, text: await response.text() };
}

const countMessages = async (session: TestSession) =>
  (await session.call<MessagesPage>('/messages')).body.messages.length;

describe('the same key again', () => {
  test('gives the same answer to the byte, and charges nothing', async () => {
    const session = await server.fund();
    const body = JSON.stringify({ content: 'hello' });
    const first = await textOf(session, body);
    expect(first.status).toBe(200);
    await session.ask('in between');
    const { balanceMsat } = await session.show();
    for (let n = 0; n < 3; n++) expect(await textOf(session, body)).toEqual(first);
    expect((await session.show()).balanceMsat).toBe(balanceMsat);
    expect(await countMessages(session)).toBe(4);
  });

  test('with the body spelled another way is the same request', async () => {
    const session = await server.fund();
    const first = await textOf(session, '{"content":"hello"}');
    const spellings = [
      '{"content":"hello","maxOutputTokens":1024}',
      '{"maxOutputTokens":1024.0,"content":"\\u0068ello"}',
      ' {\n"content" : "hello" , "history":{} } ',
      '{"history":{"tokenBudget":4000,"maxMessages":8},"content":"hello","maxOutputTokens":1024}',
      '{"content":"hello","history":{"maxMessages":8}}',
    ];
    for (const body of spellings) expect(await textOf(session, body)).toEqual(first);
    expect(await countMessages(session)).toBe(2);
  });

  test.each([
    { content: 'Hello' },
    { content: 'hello ' },
    { content: 'hello', maxOutputTokens: 1023 },
    { content: 'hello', history: { maxMessages: 7 } },
    { content: 'hello', history: { tokenBudget: 0 } },
  ])('with another body is refused: %j', async (body) => {
    const session = await server.fund();
    await session.ask('hello', { idempotencyKey: 'k' });
    const { status, body: problem } = await session.call<Problem>('/request', {
      json: body,
      headers: { 'idempotency-key': 'k' },
    });
    expect([status, problem.code]).toEqual([422, 'idempotency-mismatch']);
    expect(await countMessages(session)).toBe(2);
  });

  test('while the first is running gives 409 with its id, then its answer', async () => {
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    script.when('slow', { deltas: ['Well', gate.promise] });
    const first = session.ask('slow', { idempotencyKey: 'k' });
    await until(() => script.callsAbout('slow').length === 1);
    const again = await session.ask('slow', { idempotencyKey: 'k' });
    expect([again.status, again.body.code]).toEqual([409, 'conversation-busy']);
    const running = await session.call<TurnAnswer>(`/requests/${again.body.requestId}`);
    expect(running.body).toMatchObject({
      request: { state: 'running', finishedAt: null, chargedMsat: null },
      reply: null,
    });
    gate.resolve();
    const { body } = await first;
    expect(body.request.id).toBe(again.body.requestId);
    expect((await session.ask('slow', { idempotencyKey: 'k' })).body).toEqual(body);
  });

  test('while the first is running with another body is a mismatch', async () => {
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    script.when('slow still', { deltas: ['Well', gate.promise] });
    const first = session.ask('slow still', { idempotencyKey: 'k' });
    await until(() => script.callsAbout('slow still').length === 1);
    const other = await session.ask('other', { idempotencyKey: 'k' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
    gate.resolve();
    await first;
  });

  test('many times at once runs once', async () => {
    const session = await server.fund();
    const answers = await Promise.all(Array.from({ length: 8 }, () => session.ask('many', { idempotencyKey: 'k' })));
    for (const { status } of answers) expect([200, 409]).toContain(status);
    await until(async () => (await session.ask('many', { idempotencyKey: 'k' })).status === 200);
    expect(script.callsAbout('many')).toHaveLength(1);
    expect(await countMessages(session)).toBe(2);
  });

  test.each(['expired', 'closed'])('is answered though the session is %s by then', async (status) => {
    const session = await server.fund();
    const { body } = await session.ask('hello', { idempotencyKey: 'k' });
    await server.query('UPDATE sessions SET status = $2 WHERE id = $1', [session.id, status]);
    const replayed = await session.ask('hello', { idempotencyKey: 'k' });
    expect(replayed).toMatchObject({ status: 200, body });
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual(body);
    expect((await session.ask('hello', { idempotencyKey: 'other' })).status).toBe(410);
  });

  test('is answered though nothing of the balance is left, and with the wallet down', async () => {
    const exact = await openBeside({ deps: { prices: { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 100_000n } } });
    const session = await exact.fund(10);
    script.when('all', { deltas: ['gone'], usage: { inputTokens: 1, outputTokens: 100 } });
    const { body } = await session.ask('all', { idempotencyKey: 'k', body: { maxOutputTokens: 100 } });
    expect(body.balanceMsat).toBe(0);
    server.wallet.simulateOutage(true);
    const replayed = await session
      .ask('all', { idempotencyKey: 'k', body: { maxOutputTokens: 100 } })
      .finally(() => server.wallet.simulateOutage(false));
    expect(replayed).toMatchObject({ status: 200, body });
    await exact.close();
  });

  test('is answered while another request runs', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello', { idempotencyKey: 'k' });
    const gate = Promise.withResolvers<void>();
    script.when('busy', { deltas: [gate.promise, 'Well'] });
    const running = session.ask('busy');
    await until(() => script.callsAbout('busy').length === 1);
    expect(await session.ask('hello', { idempotencyKey: 'k' })).toMatchObject({ status: 200, body });
    gate.resolve();
    await running;
  });

  test('after the conversation was forgotten gives the request with reply null', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello', { idempotencyKey: 'k' });
    expect((await session.call('/messages', { method: 'DELETE' })).status).toBe(204);
    const replayed = await session.ask('hello', { idempotencyKey: 'k' });
    expect(replayed.status).toBe(200);
    expect(replayed.body).toEqual({ ...body, reply: null });
    expect(script.callsAbout('hello').length).toBeGreaterThan(0);
    expect(await countMessages(session)).toBe(0);
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual({ ...body, reply: null });
  });

  test('asked for as a stream is start, one delta, done', async () => {
    const session = await server.fund();
    script.when('hello', { deltas: ['a', 'b', 'c'] });
    await session.ask('earlier');
    const { body } = await session.ask('hello', { idempotencyKey: 'k' });
    const events = await collect(await session.stream('hello', { idempotencyKey: 'k' }));
    expect(events).toEqual([
      { event: 'start', data: { requestId: body.request.id, history: body.history } },
      { event: 'delta', data: { text: 'abc' } },
      { event: 'done', data: body },
    ]);
  });

  test('asked for as a stream after the conversation was forgotten ends in done', async () => {
    const session = await server.fund();
    await session.ask('hello', { idempotencyKey: 'k' });
    await session.call('/messages', { method: 'DELETE' });
    const events = await collect(await session.stream('hello', { idempotencyKey: 'k' }));
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { reply: null } });
  });

  test('in another session is another request', async () => {
    const [one, two] = await Promise.all([server.fund(), server.fund()]);
    const first = await one.ask('hello', { idempotencyKey: 'k' });
    const second = await two.ask('something else', { idempotencyKey: 'k' });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body.request.id).not.toBe(second.body.request.id);
  });

  test('without a key is a new request each time', async () => {
    const session = await server.fund();
    const first = await session.ask('hello');
    const second = await session.ask('hello');
    expect(second.body.request.id).not.toBe(first.body.request.id);
    expect(await countMessages(session)).toBe(4);
  });
});

describe('a key', () => {
  test.each([
    ['of 1 character', 'k', 200],
    ['of 255 characters', 'k'.repeat(255), 200],
    ['of 256 characters', 'k'.repeat(256), 422],
    ['of no characters', '', 422],
    ['of 10,000 characters', 'k'.repeat(10_000), 422],
    ['of odd characters', `'";-- %00 \\ {}`, 200],
    ['of Latin-1 characters', 'ÿé', 200],
  ])('%s', async (_, idempotencyKey, status) => {
    const session = await server.fund();
    const first = await session.ask('hello', { idempotencyKey });
    expect(first.status).toBe(status);
    const again = await session.ask('hello', { idempotencyKey });
    expect(again).toMatchObject({ status, body: status === 200 ? first.body : { code: 'invalid-request' } });
    expect(await countMessages(session)).toBe(status === 200 ? 2 : 0);
  });
});
