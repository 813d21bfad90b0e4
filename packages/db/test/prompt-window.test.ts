/** What a turn shows: the database's rule beside the plain one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { releaseTurn } from '../src/end-turn.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { fundedSession, readSession, reserved, run, say } from './fixtures.ts';
import { anyBounds, anyMessages, storedAs, storeMessages } from './stored-messages.ts';
import { database, useDatabase } from './use-database.ts';
import { windowModel } from './window-model.ts';

useDatabase();

test('a window is whole turns, the newest first, within both bounds, and the last of them clipped', async () => {
  await fc.assert(
    fc.asyncProperty(anyMessages, anyBounds, async (messages, history) => {
      const session = await fundedSession(database, 10_000_000n);
      await storeMessages(database, session.sessionId, messages);
      const window = windowModel(storedAs(messages), history);
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
    await storeMessages(database, session.sessionId, [
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
