/** Who pays for silence, for thoughts, for what breaks off, and for more than was asked for. */
import { countTokens } from '@timmy-tower/agent';
import type { ScriptedDelta, ScriptedStep } from '@timmy-tower/agent/testing';
import { AppError, turnSchema } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { collect, openTestApp, until } from './harness.ts';
import {
  cancel,
  expectNothingHappened,
  messagesOf,
  never,
  runningIn,
  script,
  server,
  useServer,
} from './scripted-server.ts';

useServer();

const usage = { inputTokens: 40, outputTokens: 64 };
/** By the prices of every test's server. */
const price = 40 * 3 + 64 * 15;

/** What a session's failed turns cost the operator. */
async function unchargedOf(sessionId: string): Promise<number> {
  const [row] = await server.query<{ msat: string }>('SELECT uncharged_msat AS msat FROM sessions WHERE id = $1', [
    sessionId,
  ]);
  return Number(row!.msat);
}

describe('a model that ends without a word', () => {
  test.each<[string, ScriptedStep]>([
    ['at a limit', { finish: 'length', usage }],
    ['by itself', { usage }],
    ['after white space', { deltas: [' \n', '\n'], usage }],
    ['after what nobody can see', { deltas: ['\u200b\ufeff', '\u00ad', '\u2800'], usage }],
    ['after U+0000', { deltas: ['\0', '\0\0'], usage }],
    ['after thoughts', { deltas: [{ reasoning: 'hm' }], usage }],
  ])('%s is charged by what was reported, and the pair stays out of prompts', async (_, step) => {
    const session = await server.fund(1000);
    script.when('hello', step);
    const { status, body } = await session.ask('hello', { idempotencyKey: 'once' });
    expect(status).toBe(200);
    expect(turnSchema.parse(body)).toMatchObject({
      request: { state: 'incomplete', incompleteReason: 'empty', ...usage, chargedMsat: price },
      reply: { content: '' },
      balanceMsat: 1_000_000 - price,
    });
    expect((await messagesOf(session)).map(({ content }) => content)).toEqual(['hello', '']);
    expect((await session.ask('hello', { idempotencyKey: 'once' })).body).toEqual(body);

    await session.ask('and now?');
    expect(script.callsAbout('and now?').at(-1)!.prompt.history).toEqual([]);
    expect(await unchargedOf(session.id)).toBe(0);
  });

  test('streams no reply, and is replayed as none', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [{ reasoning: 'hm' }, '\n'], usage });
    const events = await collect(await session.stream('hello', { idempotencyKey: 'once' }));
    expect(events.map(({ event }) => event)).toEqual(['start', 'reasoning', 'done']);
    const replayed = await collect(await session.stream('hello', { idempotencyKey: 'once' }));
    expect(replayed.map(({ event }) => event)).toEqual(['start', 'done']);
    expect(replayed.at(-1)).toEqual(events.at(-1));
  });

  test('but with thoughts is charged by our own count where nothing is reported', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [{ reasoning: 'hm, well' }] });
    const { body } = await session.ask('hello');
    const reasoningTokens = await countTokens('hm, well');
    expect(body.request).toMatchObject({ incompleteReason: 'empty', outputTokens: reasoningTokens, reasoningTokens });
    expect(body.request.inputTokens).toBeGreaterThan(0);
  });

  test('is not charged more than the hold', async () => {
    const session = await server.fund(1000);
    script.when('hello', { finish: 'length', usage: { inputTokens: 5, outputTokens: 20_000 } });
    const { body } = await session.ask('hello', { body: { maxOutputTokens: 64 } });
    expect(body.request.chargedMsat).toBeLessThan(64 * 15 + 200);
  });
});

describe('thoughts', () => {
  const deltas = [{ reasoning: 'First, ' }, { reasoning: 'water.' }, 'Heat ', { reasoning: 'Then?' }, 'water.'];

  test('stream as events of their own, and are in no message, no prompt and no replay', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas });
    const events = await collect(await session.stream('hello', { idempotencyKey: 'once' }));
    expect(events.slice(1, -1)).toEqual([
      { event: 'reasoning', data: { text: 'First, ' } },
      { event: 'reasoning', data: { text: 'water.' } },
      { event: 'delta', data: { text: 'Heat ' } },
      { event: 'reasoning', data: { text: 'Then?' } },
      { event: 'delta', data: { text: 'water.' } },
    ]);
    expect((await messagesOf(session)).map(({ content }) => content)).toEqual(['hello', 'Heat water.']);
    await session.ask('and now?');
    expect(JSON.stringify(script.callsAbout('and now?').at(-1)!.prompt)).not.toContain('First');
    const replayed = await collect(await session.stream('hello', { idempotencyKey: 'once' }));
    expect(replayed.map(({ event }) => event)).toEqual(['start', 'delta', 'done']);
  });

  test('are named in the receipt, as a part of the output', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas, usage: { inputTokens: 20, outputTokens: 30, reasoningTokens: 25 } });
    const { body } = await session.ask('hello');
    expect(body.request).toMatchObject({ inputTokens: 20, outputTokens: 30, reasoningTokens: 25 });
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual(body);
  });

  test('are charged when the turn is cancelled', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [{ reasoning: 'hm, well' }], hang: true });
    const events = await session.stream('hello');
    await until(async () => (await events.next()).value.event === 'reasoning');
    const { body } = await cancel(session, await runningIn(session));
    expect(body.request).toMatchObject({
      incompleteReason: 'cancelled',
      reasoningTokens: await countTokens('hm, well'),
    });
    expect(body.reply!.content).toBe('');
    await collect(events);
  });
});

describe('a model that says more than was asked for', () => {
  const words = 'Grind the beans, warm the pot, pour slowly, wait four minutes. '.repeat(100);
  const pieces = words.match(/.{1,7}/gs)!;

  test.each<[string, readonly ScriptedDelta[]]>([
    ['in small pieces', pieces],
    ['in one piece', [words]],
    ['after thoughts', [{ reasoning: 'hm' }, ...pieces]],
  ])('%s is stopped, and what fits is kept', async (_, deltas) => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [...deltas, never] });
    const events = await collect(await session.stream('hello', { body: { maxOutputTokens: 64 } }));
    const done = events.at(-1)!;
    if (done.event !== 'done') throw new Error(`the turn ended in ${done.event}`);
    const { request, reply } = done.data;
    expect(request).toMatchObject({ state: 'incomplete', incompleteReason: 'max-output-tokens' });
    expect(request.chargedMsat).toBeLessThan(64 * 15 + 200);
    expect(words.startsWith(reply!.content)).toBe(true);
    const tokens = await countTokens(reply!.content);
    expect(tokens).toBeGreaterThanOrEqual(60);
    expect(tokens).toBeLessThanOrEqual(112);
    const streamed = events.flatMap((event) => (event.event === 'delta' ? [event.data.text] : []));
    expect(streamed.join('')).toBe(reply!.content);
  });

  test('is cut for the balance where that is what was short', async () => {
    const session = await server.fund(10);
    script.when('hello', { deltas: pieces });
    const { body } = await session.ask('hello');
    expect(body.request).toMatchObject({ state: 'incomplete', incompleteReason: 'balance' });
  });

  test('or thinks more is stopped without a word', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [{ reasoning: words }, 'So: 42.'] });
    const { body } = await session.ask('hello', { body: { maxOutputTokens: 64 } });
    expect(body).toMatchObject({ request: { incompleteReason: 'empty' }, reply: { content: '' } });
  });
});

describe('what a provider is owed and nobody was charged for', () => {
  const broken = new AppError('agent-failed', 'The model broke off.');

  test.each<[string, ScriptedStep, number]>([
    ['by what it reported', { deltas: ['Once'], usage, error: broken }, price],
    ['by what it reported of the input', { usage: { inputTokens: 40 }, error: broken }, 40 * 3],
    ['not at all, if nothing came', { error: broken }, 0],
  ])('is added up by session, %s', async (_, step, msat) => {
    const session = await server.fund(1000);
    script.when('hello', step);
    expect((await session.ask('hello')).status).toBe(502);
    expect(await unchargedOf(session.id)).toBe(msat);
    expect((await session.ask('hello')).status).toBe(502);
    expect(await unchargedOf(session.id)).toBe(2 * msat);
    await expectNothingHappened(session);
  });

  test('is counted by ourselves where nothing was reported', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: [{ reasoning: 'hm' }, 'Once upon a time'], error: broken });
    await session.ask('hello');
    const said = (await countTokens('hm')) + (await countTokens('Once upon a time'));
    expect(await unchargedOf(session.id)).toBeGreaterThan(said * 15);
  });

  test('makes the session wait once it happened twenty times within the hour', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: ['Once'], usage, error: broken });
    for (let turn = 0; turn < 20; turn += 1) expect((await session.ask('hello')).status).toBe(502);
    const { status, body, headers } = await session.ask('hello');
    expect([status, body.code]).toEqual([429, 'rate-limited']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    await expectNothingHappened(session);
  });
});

describe('a model that fails', () => {
  test.each([
    [new AppError('agent-busy', 'The model is busy.', { fields: { retryAfterSeconds: 20 } }), 503, '20'],
    [new AppError('agent-unavailable', 'The model is out of order.'), 503, null],
    [new AppError('agent-refused', 'The model refuses this request.'), 422, null],
    [new AppError('agent-failed', 'The model failed.'), 502, null],
  ])('says how: %s', async (error, status, retryAfter) => {
    const session = await server.fund(1000);
    script.when('hello', { error });
    const answer = await session.ask('hello');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(answer.body).toMatchObject({
      code: error.code,
      detail: `${error.message} Nothing was stored, and nothing was charged.`,
      requestId: expect.any(String),
    });
    await expectNothingHappened(session);
  });
});

describe('a model that reasons', () => {
  test('is not asked for less than lets it speak, unless the caller asks for less', async () => {
    const thinking = await openTestApp({
      agent: { ...script.agent, reasons: () => true },
      database: server.database,
      wallet: server.wallet,
    });
    script.when('spend', { deltas: ['Hi'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
    const session = await thinking.fund(10);
    await session.ask('spend', { body: { maxOutputTokens: 500 } });
    const { balanceMsat } = await session.show();
    expect(balanceMsat).toBeGreaterThan(100 * 15);
    expect((await session.ask('hello')).status).toBe(402);
    expect((await session.ask('hello', { body: { maxOutputTokens: 100 } })).status).toBe(200);
    await thinking.close();
  });
});
