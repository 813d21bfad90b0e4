/** What a turn would cost, asked beforehand. */
import { AppError, type Problem, type TurnEstimate, turnEstimateSchema, type TurnRequest } from '@timmy-tower/contract';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { hashSessionKey } from '../src/sessions/session-key.ts';
import { beginTurn } from '../src/sessions/take-turn.ts';
import type { Answer, TestApp, TestSession } from './harness.ts';
import { never, openBeside, runningIn, script, server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';

useServer();

const ask = (session: TestSession, body: object = { content: 'hello' }): Promise<Answer<TurnEstimate & Problem>> =>
  session.call('/estimate', { json: body });

async function estimate(session: TestSession, body?: object): Promise<TurnEstimate> {
  const answer = await ask(session, body);
  expect(answer.status).toBe(200);
  return turnEstimateSchema.strict().parse(answer.body);
}

/** What a turn that is let in, or refused for want of balance, comes to: in the words of an estimate. */
async function begin({ deps }: TestApp, session: TestSession, body: TurnRequest): Promise<Partial<TurnEstimate>> {
  const caller = { sessionId: session.id, keyHash: hashSessionKey(session.key) };
  try {
    const turn = await beginTurn(deps, { caller, body });
    if (turn.kind !== 'begun') throw new Error('not begun');
    turn.running.end();
    const { shown, maxOutputTokens } = turn.reserved;
    return { short: null, holdMsat: (await session.show()).heldMsat, maxOutputTokens, history: shown };
  } catch (refused) {
    if (!(refused instanceof AppError && refused.code === 'insufficient-balance')) throw refused;
    const { requiredMsat, availableMsat } = refused.fields;
    return {
      short: 'balance',
      holdMsat: null,
      requiredMsat: Number(requiredMsat),
      availableMsat: Number(availableMsat),
    };
  }
}

describe('an estimate', () => {
  test('is what the turn then holds and is let say, whatever is asked for', async () => {
    const anyBody = fc.record(
      {
        content: fc.constantFrom('a word', '汉'.repeat(500), 'many words '.repeat(200)),
        maxOutputTokens: fc.integer({ min: 1, max: 1024 }),
        history: fc.record(
          { maxMessages: fc.nat(8), tokenBudget: fc.nat(400), recallTokens: fc.nat(400) },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['content'] },
    );
    await fc.assert(
      fc.asyncProperty(anyBody, fc.constantFrom(5, 12, 1000), async (body, amountSats) => {
        const beside = await openBeside({
          deps: { limits: { ...server.deps.limits, minDepositSats: 1 } },
          watch: false,
        });
        const session = await beside.fund(amountSats);
        for (const word of ['one', 'two', 'three'])
          await session.ask(`${word} `.repeat(50), { body: { maxOutputTokens: 1 } });
        const estimated = await estimate(session, body);
        expect(estimated).toMatchObject(await begin(beside, session, body));
        await beside.close();
      }),
      { numRuns: 12 },
    );
  });

  test('costs one statement, says what is charged at least, and is no turn', async () => {
    const session = await server.fund();
    await session.ask('one');
    let estimated: TurnEstimate | undefined;
    const statements = await statementsDuring(server, async () => {
      estimated = await estimate(session);
    });
    expect(statements.filter((text) => text.includes('turn'))).toEqual(['estimate_turn']);
    const { balanceMsat, heldMsat } = await session.show();
    expect([estimated!.availableMsat, heldMsat]).toEqual([balanceMsat, 0]);
    expect(estimated!.leastMsat).toBeGreaterThan(0);
    expect(estimated!.leastMsat).toBeLessThan(estimated!.requiredMsat);
    expect(estimated!.requiredMsat).toBeLessThan(estimated!.holdMsat!);
    expect(script.callsAbout('hello')).toEqual([]);
    const turn = await session.ask('hello');
    expect(turn.body.history).toEqual(estimated!.history);
    expect(turn.body.request.chargedMsat).toBeLessThanOrEqual(estimated!.holdMsat!);
  });

  test('is answered while a turn runs, whose hold is not available', async () => {
    const session = await server.fund();
    script.when('slow', { deltas: ['Once', never] });
    const running = session.ask('slow');
    const requestId = await runningIn(session);
    const { balanceMsat, heldMsat } = await session.show();
    expect(heldMsat).toBeGreaterThan(0);
    expect(await estimate(session)).toMatchObject({ short: null, availableMsat: balanceMsat - heldMsat });
    await session.call(`/requests/${requestId}/cancel`, { method: 'POST' });
    await running;
  });

  test('of a turn that the balance does not cover says so, and how much it would take', async () => {
    const session = await server.fund(10);
    const body = { content: 'many words '.repeat(2000) };
    const estimated = await estimate(session, body);
    expect(estimated).toMatchObject({ short: 'balance', holdMsat: null, availableMsat: 10_000, maxOutputTokens: 1024 });
    expect((await session.ask(body.content)).body).toMatchObject({
      code: 'insufficient-balance',
      requiredMsat: estimated.requiredMsat,
    });
  });
});

describe('an estimate is refused', () => {
  test('to a session that was never paid, with its invoice, before anything of it is read', async () => {
    const session = await server.open();
    const answer = await session.call<Problem>('/estimate', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
    });
    expect(answer).toMatchObject({
      status: 402,
      body: { code: 'payment-required', invoice: { paymentHash: session.invoice.paymentHash } },
    });
  });

  test('to a session that expired or was closed', async () => {
    const session = await server.fund();
    for (const status of ['expired', 'closed']) {
      await server.query('UPDATE sessions SET status = $2 WHERE id = $1', [session.id, status]);
      expect(await ask(session)).toMatchObject({ status: 410, body: { code: 'session-closed' } });
    }
  });

  test('beyond three within a second, of a session, before anything of it is read', async () => {
    const [session, other] = [await server.fund(), await server.fund()];
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      for (let call = 0; call < 3; call++) await estimate(session);
      const unread = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      const refused = await session.call<Problem>('/estimate', unread);
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited', retryAfterSeconds: 1 } });
      expect(refused.headers.get('retry-after')).toBe('1');
      await estimate(other);
      expect((await session.ask('hello')).status).toBe(200);
      vi.setSystemTime(Date.now() + 1001);
      for (let call = 0; call < 3; call++) await estimate(session);
      expect((await ask(session)).status).toBe(429);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(['receiving', 'estimating'] as const)('when %s has no place left for the session', async (queue) => {
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    const held: Promise<void>[] = [];
    for (let work = 0; work < 100; work++) held.push(server.deps.queues[queue].run(session.id, () => gate.promise));
    const ended = Promise.allSettled(held);
    expect(await ask(session)).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    gate.resolve();
    await ended;
    await estimate(session);
  });

  test('for a body that no turn would take, every fault named', async () => {
    const session = await server.fund();
    const { status, body } = await ask(session, { content: ' ', maxOutputTokens: 1025, conversation: 'x' });
    expect([status, body.code]).toEqual([422, 'invalid-request']);
    expect(JSON.stringify(body.errors)).toMatch(/content.*maxOutputTokens|maxOutputTokens.*content/s);
    expect((await ask(session, { content: 'a'.repeat(600_000) })).status).toBe(413);
  });
});
