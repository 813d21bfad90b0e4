/** What a turn shows: the database's rule beside the plain one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { releaseTurn } from '../src/end-turn.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { fundedSession, readSession, reserved, run, say } from './fixtures.ts';
import { database, useDatabase } from './use-database.ts';
import { windowModel } from './window-model.ts';

useDatabase();

interface StoredMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly inPrompts: boolean;
}

const message = fc.record<StoredMessage>({
  role: fc.constantFrom('user', 'assistant', 'assistant'),
  content: fc.constantFrom('said', 'said', 'said', ' \n'),
  tokens: fc.oneof(fc.nat(40), fc.nat(400), fc.nat(5000)),
  promptTokens: fc.nat(6000),
  inPrompts: fc.constantFrom(true, true, true, false),
});

const bounds = fc.record({
  maxMessages: fc.oneof(fc.nat(3), fc.nat(12)),
  tokenBudget: fc.oneof(fc.nat(130), fc.nat(2000), fc.nat(8000)),
  recallTokens: fc.oneof(fc.constant(0), fc.nat(4000)),
});

async function store(sessionId: string, messages: readonly StoredMessage[]): Promise<void> {
  await run(
    database,
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens, in_prompts)
     SELECT $1, role, content || CASE WHEN content = 'said' THEN place::text ELSE '' END, tokens, "promptTokens", "inPrompts"
     FROM ROWS FROM (
       jsonb_to_recordset($2) AS (role text, content text, tokens int, "promptTokens" int, "inPrompts" boolean)
     ) WITH ORDINALITY AS said (role, content, tokens, "promptTokens", "inPrompts", place) ORDER BY place`,
    [sessionId, JSON.stringify(messages)],
  );
  await run(database, 'UPDATE sessions SET message_count = $2 WHERE id = $1', [sessionId, messages.length]);
}

/** As it is stored: its place makes it different from every other. */
const named = (stored: StoredMessage, index: number) => ({ ...stored, content: `${stored.content}${index + 1}` });

test('a window is whole turns, the newest first, within both bounds, and the last of them clipped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 30 }), bounds, async (messages, history) => {
      const session = await fundedSession(database, 10_000_000n);
      await store(session.sessionId, messages);
      const window = windowModel(
        messages.map(named).filter(({ content, inPrompts }) => inPrompts && content.startsWith('said')),
        history,
      );
      const turn = await reserved(database, session, { history, ownTokens: 0, maxOutputTokens: 1 });
      expect(turn.answer).toMatchObject({
        history: window.shown.map(({ role, content }) => ({ role, content })),
        clipTokens: window.clipTokens,
        shown: {
          messages: window.shown.length,
          tokens: window.tokens,
          dropped: messages.length - window.shown.length,
          recalled: 0,
          clipped: window.clipTokens !== undefined,
        },
      });
      expect(turn.answer.recallable?.tokens ?? 0).toBe(window.recallTokens);
      expect(window.tokens + window.recallTokens).toBeLessThanOrEqual(history.tokenBudget);
      const inputTokens = Math.ceil((5 * (4 + window.promptTokens + 3 * window.recallTokens)) / 4);
      expect((await readSession(database, session.sessionId)).heldMsat).toBe(BigInt(inputTokens + 1));
      expect(await reserveTurn(database, turn)).toEqual(turn.answer); // its answer was lost, and it was sent again
      await releaseTurn(database, turn);
    }),
  );
});

test('what may be recalled starts where the window does', async () => {
  const session = await fundedSession(database);
  for (const word of ['one', 'two', 'three']) await say(database, session, `${word}?`, `${word}!`);
  const turn = await reserved(database, session, { history: { maxMessages: 2, tokenBudget: 100, recallTokens: 30 } });
  const { before } = turn.answer.recallable!;
  const earlier = await run(
    database,
    'SELECT content FROM session_messages WHERE session_id = $1 AND (created_at, seq) < ($2, $3) ORDER BY created_at, seq',
    [session.sessionId, before.createdAt, before.seq],
  );
  expect(earlier.map(({ content }) => content)).toEqual(['one?', 'one!', 'two?', 'two!']);
});

test.each([
  { balanceMsat: 1000n, recallTokens: 30, maxOutputTokens: 100, heldMsat: 233n },
  { balanceMsat: 233n, recallTokens: 30, maxOutputTokens: 100, heldMsat: 233n },
  { balanceMsat: 160n, recallTokens: 10, maxOutputTokens: 100, heldMsat: 158n },
  { balanceMsat: 120n, recallTokens: 0, maxOutputTokens: 100, heldMsat: 120n },
  { balanceMsat: 119n, recallTokens: 0, maxOutputTokens: 99, heldMsat: 119n },
])(
  'of $balanceMsat msat $recallTokens tokens may be recalled: recall gives way first, then the reply',
  async (expected) => {
    const { balanceMsat, recallTokens, maxOutputTokens, heldMsat } = expected;
    const session = await fundedSession(database, balanceMsat);
    const said = { content: 'said', tokens: 2, promptTokens: 2, inPrompts: true };
    await store(session.sessionId, [
      { ...said, role: 'user' },
      { ...said, role: 'user' },
      { ...said, role: 'assistant' },
    ]);
    const history = { maxMessages: 2, tokenBudget: 100, recallTokens: 30 };
    // 4 for the new message, 12 for the last turn, 3 for each token recalled, a quarter on top; and 100 of output.
    const { answer } = await reserved(database, session, { history, ownTokens: 0 });
    expect(answer.recallable?.tokens ?? 0).toBe(recallTokens);
    expect(answer.maxOutputTokens).toBe(maxOutputTokens);
    expect((await readSession(database, session.sessionId)).heldMsat).toBe(heldMsat);
  },
);
