import { randomUUID } from 'node:crypto';

import { completeUsage, priceMsat } from '@timmy-tower/agent';
import { turnSchema } from '@timmy-tower/contract';
import { listLedger } from '@timmy-tower/db';
import { describe, expect, test } from 'vitest';

import { collect, type TestSession, until } from './harness.ts';
import { cancel, messagesOf, never, openBeside, runningIn, script, server, useServer } from './scripted-server.ts';

useServer();

/** Asks with a stream, and reads on until this much was said. */
async function streamUntil(session: TestSession, content: string, said: string) {
  const events = await session.stream(content);
  let text = '';
  while (text !== said) {
    const { value } = await events.next();
    if (value?.event === 'delta') text += value.data.text;
  }
  return events;
}

describe('cancelling a request', () => {
  test('in the middle keeps what was said, charges for it by our count, and later turns see it', async () => {
    const session = await server.fund();
    script.when('tell me', { deltas: ['Once upon a time', never] });
    const events = await streamUntil(session, 'tell me', 'Once upon a time');
    const requestId = await runningIn(session);
    const { status, body } = await cancel(session, requestId);
    expect(status).toBe(200);
    expect(turnSchema.parse(body)).toMatchObject({
      request: { id: requestId, state: 'incomplete', incompleteReason: 'cancelled' },
      reply: { content: 'Once upon a time' },
    });
    const usage = await completeUsage(
      {},
      {
        prompt: { history: [], message: 'tell me' },
        overheadTokens: script.agent.overheadTokens,
        reply: 'Once upon a time',
        reasoning: '',
        isWhole: false,
      },
    );
    expect(body.request).toMatchObject({ ...usage, chargedMsat: Number(priceMsat(usage, server.deps.prices)) });
    expect((await collect(events)).at(-1)).toEqual({ event: 'done', data: body });
    expect(await session.show()).toMatchObject({ balanceMsat: body.balanceMsat, heldMsat: 0 });

    await session.ask('continue');
    expect(script.callsAbout('continue').at(-1)!.prompt.history).toEqual([
      { role: 'user', content: 'tell me' },
      { role: 'assistant', content: 'Once upon a time' },
    ]);
  });

  test('before a word was said charges the input, lists the pair, and leaves it out of later prompts', async () => {
    const session = await server.fund();
    await session.ask('earlier');
    script.when('tell me', { deltas: [never] });
    const asked = session.ask('tell me', { idempotencyKey: 'k' });
    const requestId = await runningIn(session);
    await until(() => script.callsAbout('tell me').length > 0);
    const { status, body } = await cancel(session, requestId);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      request: { state: 'incomplete', incompleteReason: 'cancelled', outputTokens: 0 },
      reply: { content: '', tokenCount: 0 },
    });
    expect(body.request.inputTokens).toBeGreaterThan(0);
    expect(body.request.chargedMsat).toBe(
      Number(priceMsat({ inputTokens: body.request.inputTokens!, outputTokens: 0 }, server.deps.prices)),
    );
    expect(await asked).toMatchObject({ status: 200, body });
    expect((await session.ask('tell me', { idempotencyKey: 'k' })).body).toEqual(body);
    expect((await messagesOf(session)).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'earlier'],
      ['assistant', 'Said: earlier'],
      ['user', 'tell me'],
      ['assistant', ''],
    ]);

    await session.ask('continue');
    expect(script.callsAbout('continue').at(-1)!.prompt.history).toEqual([
      { role: 'user', content: 'earlier' },
      { role: 'assistant', content: 'Said: earlier' },
    ]);
  });

  test('that is finished gives it as it is', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello');
    await session.ask('and then');
    const cancelled = await cancel(session, body.request.id);
    expect([cancelled.status, cancelled.body]).toEqual([200, body]);
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual(body);
  });

  test('that failed gives it as it is', async () => {
    const session = await server.fund();
    script.when('hello', { error: new Error('down') });
    await session.ask('hello');
    const [row] = await server.query<{ id: string }>('SELECT id FROM session_requests WHERE session_id = $1', [
      session.id,
    ]);
    const { status, body } = await cancel(session, row!.id);
    expect([status, body.request.state, body.reply]).toEqual([200, 'failed', null]);
  });

  test('that never was answers 404', async () => {
    const session = await server.fund();
    for (const requestId of [randomUUID(), 'nonsense', session.id]) {
      const { status, body } = await cancel(session, requestId);
      expect([status, body.code]).toEqual([404, 'not-found']);
    }
  });

  test('many times at once charges once, and all get the same answer', async () => {
    const session = await server.fund();
    script.when('tell me', { deltas: ['Once', never] });
    await streamUntil(session, 'tell me', 'Once');
    const requestId = await runningIn(session);
    const answers = await Promise.all(Array.from({ length: 6 }, () => cancel(session, requestId)));
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: answers[0]!.body });
    const ledger = await listLedger(server.deps.db, session.id);
    expect(ledger.map(({ kind }) => kind)).toEqual(['deposit', 'charge']);
  });

  test('as its reply ends gives one of the two, whole', async () => {
    for (let n = 0; n < 10; n++) {
      const session = await server.fund();
      const gate = Promise.withResolvers<void>();
      script.when(`race ${n}`, { deltas: ['Once', gate.promise, ' upon'] });
      const asked = session.ask(`race ${n}`);
      const requestId = await runningIn(session);
      await until(() => script.callsAbout(`race ${n}`).length === 1);
      const cancelled = cancel(session, requestId);
      gate.resolve();
      const [answer, told] = [await asked, await cancelled];
      expect([answer.status, told.status]).toEqual([200, 200]);
      expect(told.body).toEqual(answer.body);
      expect(`${answer.body.request.state} ${answer.body.reply!.content}`).toMatch(
        /^(completed Once upon|incomplete Once( upon)?|incomplete )$/,
      );
      expect(await messagesOf(session)).toHaveLength(2);
    }
  });

  test('by an agent that ignores it still ends the turn', async () => {
    const session = await server.fund();
    script.when('tell me', { deltas: ['Once'], hang: true, ignoreSignal: true });
    await streamUntil(session, 'tell me', 'Once');
    const { status, body } = await cancel(session, await runningIn(session));
    expect([status, body.request.incompleteReason, body.reply!.content]).toEqual([200, 'cancelled', 'Once']);
  });

  test('reaches it from another server', async () => {
    const asksEverySecond = { leaseMs: 5000 };
    const [first, second] = [await openBeside(asksEverySecond), await openBeside(asksEverySecond)];
    const session = await first.fund();
    script.when('tell me', { deltas: ['Once upon', never] });
    const events = await streamUntil(session, 'tell me', 'Once upon');
    const requestId = await runningIn(session);
    const { status, body } = await cancel(session, requestId, second);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      request: { id: requestId, state: 'incomplete', incompleteReason: 'cancelled' },
      reply: { content: 'Once upon' },
    });
    expect((await collect(events)).at(-1)).toEqual({ event: 'done', data: body });
    await first.close();
    await second.close();
  });
});
