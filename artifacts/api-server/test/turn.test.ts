import { priceMsat } from '@timmy-tower/agent';
import { createScriptedAgent } from '@timmy-tower/agent/testing';
import { type Problem, turnSchema } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { openTestApp, until } from './harness.ts';
import { expectNothingHappened, messagesOf, openBeside, script, server, useServer } from './scripted-server.ts';

useServer();

describe('a turn', () => {
  test('answers with the request, the reply, the balance and the history shown', async () => {
    const session = await server.fund(1000);
    const { status, body } = await session.ask('hello');
    expect(status).toBe(200);
    expect(turnSchema.parse(body)).toEqual(body);
    expect(body.request).toMatchObject({ state: 'completed', model: 'scripted' });
    expect(body.request).not.toHaveProperty('incompleteReason');
    expect(body.request.finishedAt).not.toBeNull();
    expect(body.reply).toMatchObject({ role: 'assistant', content: 'Said: hello', tokenCount: 3 });
    expect(body.history).toEqual({ messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false });
    expect(body.balanceMsat).toBe(1_000_000 - body.request.chargedMsat!);
    expect(await session.show()).toMatchObject({ balanceMsat: body.balanceMsat, heldMsat: 0 });
  });

  test('stores one user and one assistant message, both linked to the request', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello');
    const messages = await messagesOf(session);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'hello'],
      ['assistant', 'Said: hello'],
    ]);
    for (const message of messages) expect(message.sessionRequestId).toBe(body.request.id);
    expect(messages[1]).toEqual({ ...body.reply, sessionRequestId: body.request.id });
  });

  test('can be looked up afterwards, the same', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello');
    await session.ask('another');
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual(body);
  });

  test('keeps what was said to the letter, white space and all', async () => {
    const session = await server.fund();
    const content = '  \r\n\t“Grüße” 👩‍👩‍👧 \u202e\u0001 <|endoftext|> \ufeff ';
    const { body } = await session.ask(content);
    expect(body.reply!.content).toBe(`Said: ${content}`);
    expect((await messagesOf(session))[0]!.content).toBe(content);
    expect(script.callsAbout(content)).toHaveLength(1);
  });
});

describe('the charge', () => {
  test.each([
    [1, 1],
    [3, 100],
    [700, 2],
  ])('is the price of what was used: %i tokens in, %i out', async (inputTokens, outputTokens) => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: ['Hi'], usage: { inputTokens, outputTokens } });
    const { body } = await session.ask('hello');
    expect(body.request).toMatchObject({ inputTokens, outputTokens, reasoningTokens: 0 });
    const price = Number(priceMsat({ inputTokens, outputTokens }, server.deps.prices));
    expect(body.request.chargedMsat).toBe(price);
    expect(body.balanceMsat).toBe(1_000_000 - price);
  });

  test('is never more than the hold', async () => {
    const session = await server.fund(1000);
    const gate = Promise.withResolvers<void>();
    script.when('hello', { deltas: [gate.promise, 'Hi'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
    const answer = session.ask('hello', { body: { maxOutputTokens: 100 } });
    await until(async () => (await session.show()).heldMsat > 0);
    const { heldMsat } = await session.show();
    expect(heldMsat).toBeGreaterThanOrEqual(1500);
    expect(heldMsat).toBeLessThan(1600);
    gate.resolve();
    expect((await answer).body.request).toMatchObject({ chargedMsat: heldMsat, inputTokens: 1e6, outputTokens: 1e6 });
  });

  test('is rounded up to a whole msat, once', async () => {
    const cheap = await openTestApp({
      agent: createScriptedAgent(() => ({ deltas: ['Hi'], usage: { inputTokens: 1, outputTokens: 1 } })),
      database: server.database,
      wallet: server.wallet,
      deps: { prices: { inputMsatPerKtoken: 1n, outputMsatPerKtoken: 1n } },
    });
    const session = await cheap.fund();
    expect((await session.ask('hello')).body.request.chargedMsat).toBe(1);
    await cheap.close();
  });

  test('may be nothing, where the price is nothing', async () => {
    const free = await openBeside({ deps: { prices: { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n } } });
    const session = await free.fund(10);
    const { status, body } = await session.ask('hello');
    expect(status).toBe(200);
    expect([body.request.chargedMsat, body.balanceMsat]).toEqual([0, 10_000]);
    expect(await messagesOf(session)).toHaveLength(2);
    await free.close();
  });
});

describe('the history', () => {
  test.each([
    { maxMessages: 201 },
    { tokenBudget: 32_001 },
    { recallTokens: 32_001 },
    { maxMessages: -1 },
    { tokenBudget: 0.5 },
    { recallTokens: -1 },
  ])('of %j cannot be asked for', async (history) => {
    const session = await server.fund();
    const { status, body } = await session.ask('hello', { body: { history } });
    expect(status).toBe(422);
    expect(body.errors).toEqual([expect.objectContaining({ path: `history.${Object.keys(history)[0]}` })]);
    await expectNothingHappened(session);
  });
});

describe('the length of a reply', () => {
  test('is what was asked for; cut off there the request is incomplete: max-output-tokens', async () => {
    const session = await server.fund();
    script.when('hello there', { deltas: ['Once upon'], finish: 'length' });
    const { status, body } = await session.ask('hello there', { body: { maxOutputTokens: 99 } });
    expect(status).toBe(200);
    expect(script.callsAbout('hello there')[0]!.options.maxOutputTokens).toBe(99);
    expect(body.request).toMatchObject({ state: 'incomplete', incompleteReason: 'max-output-tokens' });
    expect(body.reply!.content).toBe('Once upon');
    expect(body.request.chargedMsat).toBeGreaterThan(0);
    expect(await messagesOf(session)).toHaveLength(2);
  });

  test('is what the balance pays for; cut off there the request is incomplete: balance', async () => {
    const session = await server.fund(10);
    script.when('on and on', { deltas: ['Once upon'], finish: 'length' });
    const { body } = await session.ask('on and on');
    const { maxOutputTokens } = script.callsAbout('on and on')[0]!.options;
    expect(maxOutputTokens).toBeLessThan(10_000 / 15);
    expect(maxOutputTokens).toBeGreaterThan(640);
    expect(body.request).toMatchObject({ state: 'incomplete', incompleteReason: 'balance' });
    expect(body.balanceMsat).toBeGreaterThanOrEqual(0);
  });

  test('lowered by the balance but not reached: the request is completed', async () => {
    const session = await server.fund(10);
    expect((await session.ask('hello')).body.request.state).toBe('completed');
  });
});

describe('requests at once', () => {
  test('in one conversation, on two servers: one runs, the others get 409 with its id', async () => {
    const other = await openBeside();
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    script.when('race', { deltas: [gate.promise, 'won'] });
    const init = { key: session.key, json: { content: 'race' } };
    const path = `/sessions/${session.id}/request`;
    let answered = 0;
    const race = Array.from({ length: 10 }, (_, n) => (n % 2 ? server : other).call<Problem>(path, init));
    for (const one of race) void one.then(() => answered++);
    await until(() => answered === 9);
    gate.resolve();
    const answers = await Promise.all(race);
    const won = answers.filter(({ status }) => status === 200);
    const busy = answers.filter(({ status }) => status === 409);
    expect([won.length, busy.length]).toEqual([1, 9]);
    const { request } = turnSchema.parse(won[0]!.body);
    for (const { headers, body } of busy) {
      expect(body).toMatchObject({ code: 'conversation-busy', requestId: request.id });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await messagesOf(session)).toHaveLength(2);
    await other.close();
  });

  test('in many conversations hold no connection while the models think', async () => {
    const gate = Promise.withResolvers<void>();
    script.when('think', { deltas: [gate.promise, 'done'] });
    const before = script.callsAbout('think').length;
    const sessions = await Promise.all(Array.from({ length: 25 }, () => server.fund(100)));
    const turns = sessions.map((session) => session.ask('think'));
    await until(() => script.callsAbout('think').length === before + 25);
    const { $client: pool } = server.deps.db;
    await until(() => pool.idleCount === pool.totalCount && pool.waitingCount === 0);
    const open = await server.query(
      `SELECT state, query FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
    );
    expect(open).toEqual([]);
    expect((await sessions[0]!.call(`/messages`)).status).toBe(200);
    gate.resolve();
    for (const { status } of await Promise.all(turns)) expect(status).toBe(200);
  });
});
