/** What a turn shows the model of what was said before, and what it tells of it. */
import { createDemoAgent } from '@timmy-tower/agent';
import type { ShownHistory, TurnAnswer } from '@timmy-tower/contract';
import { clipTurn, promptWindow, toTurns } from '@timmy-tower/memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finishTurn } from '../src/sessions/finish-turn.ts';
import { hashSessionKey } from '../src/sessions/session-key.ts';
import { beginTurn } from '../src/sessions/take-turn.ts';
import { collect, type TestSession } from './harness.ts';
import { expectNothingHappened, messagesOf, openBeside, script, server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';

useServer();

interface SaidMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Written as the seed writes them, and counted. */
async function store(session: TestSession, messages: readonly SaidMessage[]): Promise<void> {
  await server.query(
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens)
     SELECT $1, role, content, ceil(length(content) / 4.0), ceil(length(content) / 4.0)
     FROM ROWS FROM (jsonb_to_recordset($2) AS (role text, content text)) WITH ORDINALITY AS said (role, content, place)
     ORDER BY place`,
    [session.id, JSON.stringify(messages)],
  );
  await server.query('UPDATE sessions SET message_count = message_count + $2 WHERE id = $1', [
    session.id,
    messages.length,
  ]);
}

const exchange = (asked: string, answered: string): SaidMessage[] => [
  { role: 'user', content: asked },
  { role: 'assistant', content: answered },
];
const chatter = (count: number) =>
  Array.from({ length: count }, (_, n) => exchange(`Small talk number ${n}?`, `Idle words number ${n}.`)).flat();
const tokensOf = (messages: readonly SaidMessage[]) =>
  messages.reduce((sum, { content }) => sum + Math.ceil(content.length / 4), 0);

/** Asks, and says what the model was shown. */
async function ask(session: TestSession, message: string, history: object = {}) {
  const { status, body } = await session.ask(message, { body: { history, maxOutputTokens: 64 } });
  expect(status).toBe(200);
  return { prompt: script.callsAbout(message).at(-1)!.prompt, shown: body.history, answer: body };
}

describe('the window', () => {
  test('is what the plain model says, cut to its tokens, and with what is recalled never over the budget', async () => {
    const said = fc.record<SaidMessage>({
      role: fc.constantFrom('user', 'assistant'),
      content: fc
        .tuple(fc.constantFrom('lighthouse', 'harbour', 'storm'), fc.nat(1500))
        .map(([word, n]) => word.repeat(1 + n / 10)),
    });
    const bounds = fc.record({ maxMessages: fc.nat(12), tokenBudget: fc.nat(3000), recallTokens: fc.nat(1500) });
    const rich = await server.fund(1_000_000);
    await fc.assert(
      fc.asyncProperty(fc.array(said, { maxLength: 24 }), bounds, async (messages, history) => {
        await rich.call('/messages', { method: 'DELETE' });
        await store(rich, messages);
        const counted = messages.map((message) => ({ ...message, tokenCount: tokensOf([message]) }));
        const window = promptWindow(counted, history);
        const [oldest = [], ...whole] = toTurns(window.messages);
        const cut = window.clipped ? clipTurn(oldest, window.clipped.tokens) : oldest;
        const { prompt, shown } = await ask(rich, 'Where is the lighthouse?', history);
        expect(prompt.history).toEqual([...cut, ...whole.flat()].map(({ role, content }) => ({ role, content })));
        const recalled = prompt.recalled?.messages ?? [];
        const tokens = tokensOf(prompt.history) + tokensOf(recalled);
        expect(tokens).toBeLessThanOrEqual(history.tokenBudget);
        expect(shown).toEqual({
          messages: prompt.history.length + recalled.length,
          tokens,
          dropped: messages.length - prompt.history.length - recalled.length,
          recalled: recalled.length,
          clipped: shown.clipped,
        });
      }),
      { numRuns: 60 },
    );
  });

  test('holds a pasted text of 100,000 characters, cut in its middle, for as long as there is room', async () => {
    const session = await server.fund(10_000);
    const pasted = `The contract begins.${' clause'.repeat(14_000)} The contract ends.`.slice(0, 100_000);
    script.when(pasted, { deltas: ['A contract.'] });
    await ask(session, pasted);
    for (const question of ['make it shorter', 'what did I ask first?']) {
      const { prompt, shown } = await ask(session, question);
      expect(prompt.history[0]!.content).toMatch(/^The contract begins\. .+ characters left out .+ clause/s);
      expect(prompt.history[1]!.content).toBe('A contract.');
      expect(shown).toMatchObject({ dropped: 0, recalled: 0, clipped: true });
      expect(shown.tokens).toBeLessThanOrEqual(3000);
    }
  });
});

describe('recall', () => {
  test('shows the opening, and what fits the question, from before the window, oldest first', async () => {
    const session = await server.fund();
    await store(session, [
      ...exchange('Help me plan a voyage to Lisbon.', 'Gladly.'),
      ...chatter(30),
      ...exchange('My cat is called Moka.', 'A fine name.'),
      ...chatter(30),
    ]);
    const { prompt, shown, answer } = await ask(session, 'What was my cat called again?');
    expect(prompt.recalled!.messages.map(({ content }) => content)).toEqual([
      'Help me plan a voyage to Lisbon.',
      'Small talk number 29?', // a neighbour, and the other half of its turn
      'Idle words number 29.',
      'My cat is called Moka.',
      'A fine name.',
    ]);
    expect(prompt.recalled!.block).toMatch(/not all of it.+Lisbon.+Moka.+<\/earlier_messages>$/s);
    expect(prompt.history).toHaveLength(8);
    expect(prompt.message).toBe('What was my cat called again?');
    expect(shown).toMatchObject({ messages: 13, dropped: 111, recalled: 5, clipped: false });
    expect((await session.call<TurnAnswer>(`/requests/${answer.request.id}`)).body.history).toEqual(shown);
    expect(
      await server.query(
        'SELECT history_messages, history_recalled, history_clipped FROM session_requests WHERE id = $1',
        [answer.request.id],
      ),
    ).toEqual([{ history_messages: 13, history_recalled: 5, history_clipped: false }]);
    expect((await messagesOf(session)).filter(({ content }) => content.includes('earlier_messages'))).toEqual([]);
  });

  test('is told at the start of a stream, and in a replay', async () => {
    const session = await server.fund();
    await store(session, [...exchange('My cat is called Moka.', 'A fine name.'), ...chatter(10)]);
    const question = 'What was my cat called again?';
    const events = await collect(await session.stream(question, { idempotencyKey: 'a' }));
    const shown = { messages: 10, tokens: expect.any(Number), dropped: 12, recalled: 2, clipped: false };
    expect(events[0]).toMatchObject({ event: 'start', data: { history: shown } });
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { history: shown } });
    const [replayed] = await collect(await session.stream(question, { idempotencyKey: 'a' }));
    expect(replayed).toEqual(events[0]);
  });

  test('costs one statement more, and none where nothing lies before the window', async () => {
    const session = await server.fund();
    await ask(session, 'hello');
    const turn = async (history: object) => {
      const statements = await statementsDuring(server, () => ask(session, 'What was my cat called?', history));
      return statements.filter((statement) => /^(?:reserve_turn|settle_turn|earlier_messages)$/.test(statement));
    };
    expect(await turn({})).toEqual(['reserve_turn', 'settle_turn']);
    expect(await turn({ maxMessages: 2 })).toEqual(['reserve_turn', 'earlier_messages', 'settle_turn']);
    for (const off of [{ recallTokens: 0 }, { maxMessages: 0 }, { tokenBudget: 63 }]) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await turn({ maxMessages: 2, ...off })).toEqual(['reserve_turn', 'settle_turn']);
    }
  });

  test('knows of no other session, and not of what was forgotten or kept out of prompts', async () => {
    const [session, other] = [await server.fund(), await server.fund()];
    await store(other, exchange('My cat is called Moka.', 'A fine name.'));
    await store(session, exchange('My cat is called Luna.', 'Another fine name.'));
    await session.call('/messages', { method: 'DELETE' });
    await store(session, [
      ...exchange('Good morning.', 'Good morning.'),
      ...exchange('My cat is Silent.', 'Hm.'),
      ...chatter(9),
    ]);
    await server.query(
      `UPDATE session_messages SET in_prompts = false WHERE session_id = $1 AND content LIKE 'My cat%'`,
      [session.id],
    );
    const { prompt } = await ask(session, 'What was my cat called again?');
    const recalled = prompt.recalled!.messages.map(({ content }) => content);
    expect(recalled).toContain('Good morning.');
    expect(recalled.join(' ')).not.toMatch(/Moka|Luna|Silent/);
  });

  test('is paid for: the tokens of what is shown are counted where the provider tells none', async () => {
    const session = await server.fund();
    await store(session, [
      ...exchange(`My cat is called Moka. ${'She purrs. '.repeat(200)}`, 'A fine name.'),
      ...chatter(10),
    ]);
    const question = 'What was my cat called again?';
    const without = await ask(session, question, { recallTokens: 0 });
    const { answer, shown } = await ask(session, question);
    expect(shown.recalled).toBeGreaterThan(0);
    expect(answer.request.inputTokens! - without.answer.request.inputTokens!).toBeGreaterThan(500);
  });

  test('that was cancelled leaves nothing, and neither does one whose lease was lost', async () => {
    for (const reason of ['cancelled', 'lease-lost'] as const) {
      const session = await server.fund();
      const caller = { sessionId: session.id, keyHash: hashSessionKey(session.key) };
      const begun = await beginTurn(server.deps, { caller, body: { content: 'hello' } });
      if (begun.kind !== 'begun') throw new Error('it was not let in');
      begun.running.stop(reason);
      await expect(finishTurn(server.deps, begun)).rejects.toMatchObject({ code: /agent-failed|unavailable/ });
      expect(script.callsAbout('hello')).toEqual([]);
      await expectNothingHappened(session);
    }
  });
});

describe('the demo agent', () => {
  async function converse(
    first: string,
    ...questions: string[]
  ): Promise<{ replies: string[]; shown: ShownHistory[] }> {
    await using demo = await openDemo();
    const session = await demo.server.fund(10_000);
    const answers = [];
    // oxlint-disable-next-line no-await-in-loop
    for (const question of [first, ...questions]) answers.push((await session.ask(question)).body);
    return { replies: answers.map(({ reply }) => reply!.content), shown: answers.map(({ history }) => history) };
  }

  async function openDemo() {
    const beside = await openBeside({ agent: createDemoAgent({ delayMs: 0 }) });
    return { server: beside, [Symbol.asyncDispose]: () => beside.close() };
  }

  test('sees what it needs after a pasted text: to make it shorter, and what was asked first', async () => {
    const pasted = `Please read this log. ${'error at line 7; '.repeat(6000)}`.slice(0, 100_000);
    const { replies, shown } = await converse(pasted, 'make it shorter', 'what did I ask first?');
    expect(replies[1]).not.toMatch(/nothing to shorten/i);
    expect(replies[2]).toContain('Please read this log.');
    expect(shown.slice(1).map(({ clipped }) => clipped)).toEqual([true, true]);
  });

  test('knows what was asked first after twenty more questions', async () => {
    const { replies, shown } = await converse(
      'How do I brew coffee?',
      ...Array.from({ length: 20 }, (_, n) => `How do I paint wall number ${n}?`),
      'what did I ask first?',
    );
    expect(replies.at(-1)).toContain('How do I brew coffee?');
    expect(shown.at(-1)).toMatchObject({ clipped: false, dropped: 42 - shown.at(-1)!.messages });
    expect(shown.at(-1)!.recalled).toBeGreaterThan(0);
  });
});
