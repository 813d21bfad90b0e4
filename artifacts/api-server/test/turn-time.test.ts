/** How long a model may be silent, and how long it may take in all. */
import { createScriptedAgent, type ScriptedDelta, type ScriptedStep } from '@timmy-tower/agent/testing';
import { describe, expect, test } from 'vitest';

import { collect, type TestApp } from './harness.ts';
import { expectNothingHappened, messagesOf, never, openBeside, useServer } from './scripted-server.ts';

useServer();

/** A gate that opens by itself, for a model that is slow but never silent. */
const later = (ms: number): PromiseLike<void> => ({
  // oxlint-disable-next-line unicorn/no-thenable -- each reply must start its own waits
  then: (...callbacks) => new Promise<void>((resolve) => setTimeout(resolve, ms)).then(...callbacks),
});
const each20Ms = (delta: ScriptedDelta, count: number) =>
  Array.from({ length: count }, () => [later(20), delta]).flat();

const openImpatient = (step: ScriptedStep, silenceMs: number, totalMs: number): Promise<TestApp> =>
  openBeside({ agent: createScriptedAgent(() => step), deps: { modelTimeLimits: { silenceMs, totalMs } } });

const FOREVER_MS = 600_000;

describe('a model', () => {
  test.each<[string, ScriptedStep, number, number]>([
    ['is silent before a word', { hang: true }, 50, FOREVER_MS],
    ['is silent before a word, and out of time', { hang: true }, FOREVER_MS, 200],
    ['falls silent after some words', { deltas: ['Once upon'], hang: true }, 200, FOREVER_MS],
    ['falls silent after a thought', { deltas: [{ reasoning: 'hm' }], hang: true }, 200, FOREVER_MS],
    ['ignores being told to stop', { deltas: ['Once'], hang: true, ignoreSignal: true }, 200, FOREVER_MS],
    ['gives signs of life and nothing else', { deltas: each20Ms({ alive: true }, 10_000) }, 1000, 500],
  ])('that %s fails: nothing is stored or charged', async (_, step, silenceMs, totalMs) => {
    const impatient = await openImpatient(step, silenceMs, totalMs);
    const session = await impatient.fund(1000);
    const { status, body } = await session.ask('hello');
    expect([status, body.code]).toEqual([502, 'agent-failed']);
    await expectNothingHappened(session);
    await impatient.close();
  });

  test.concurrent.each<[string, ScriptedDelta]>([
    ['thinks', { reasoning: 'hm ' }],
    ['gives signs of life', { alive: true }],
    ['speaks', 'on '],
  ])('that %s all the time is waited for, longer than it may be silent', async (_, delta) => {
    const impatient = await openImpatient({ deltas: ['So: ', ...each20Ms(delta, 110), 'the end.'] }, 2000, FOREVER_MS);
    const session = await impatient.fund(1000);
    const { status, body } = await session.ask('hello');
    expect(status).toBe(200);
    expect(body.reply!.content).toMatch(/^So: .*the end\.$/);
    await impatient.close();
  });

  test('may take longer to its first word than it may be silent afterwards', async () => {
    const patient = await openImpatient({ deltas: [later(900), 'Hello.'] }, 800, FOREVER_MS);
    const session = await patient.fund(1000);
    expect((await session.ask('hello')).status).toBe(200);
    await patient.close();
  });

  test('that is out of time with words is cut there, and charged by what was said', async () => {
    const impatient = await openImpatient({ deltas: ['Once upon a time', never] }, FOREVER_MS, 600);
    const session = await impatient.fund(1000);
    const events = await collect(await session.stream('hello'));
    expect(events).toMatchObject([
      { event: 'start' },
      { event: 'delta', data: { text: 'Once upon a time' } },
      {
        event: 'done',
        data: {
          request: { state: 'incomplete', incompleteReason: 'too-long', outputTokens: 4 },
          reply: { content: 'Once upon a time' },
        },
      },
    ]);
    expect((await messagesOf(session))[1]!.content).toBe('Once upon a time');
    expect((await session.show()).balanceMsat).toBeLessThan(1_000_000);
    await impatient.close();
  });

  test('that is out of time with thoughts alone is charged for them', async () => {
    const impatient = await openImpatient({ deltas: [{ reasoning: 'hm, hm' }, never] }, FOREVER_MS, 600);
    const session = await impatient.fund(1000);
    const { status, body } = await session.ask('hello');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      request: { state: 'incomplete', incompleteReason: 'empty', outputTokens: 3, reasoningTokens: 3 },
      reply: { content: '' },
    });
    await impatient.close();
  });
});
