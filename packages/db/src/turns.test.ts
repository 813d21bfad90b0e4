import { randomBytes, randomUUID } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import {
  endOf,
  fundedSession,
  newTurn,
  readSession,
  reserved,
  run,
  say,
  unpaidSession,
  chargesOf,
  messagesOf,
} from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { getSessionHistory } from './history.ts';
import { findRequest } from './requests.ts';
import { releaseTurn, settleTurn } from './end-turn.ts';
import { reserveTurn } from './reserve-turn.ts';

useDatabase();

const idempotency = (key: string, body = 'body') => ({
  key,
  bodyHash: Buffer.alloc(32, body),
  saidHash: Buffer.alloc(32, `said ${body}`),
});

describe('a turn', () => {
  test('shows the model what was said before, oldest first, and says how much it left out', async () => {
    const session = await fundedSession(database);
    for (const word of ['first', 'second', 'third']) await say(database, session, `${word}?`, `${word}!`);
    const turn = await reserved(database, session, { history: { maxMessages: 4, tokenBudget: 4000 } });
    expect(turn.answer).toEqual({
      outcome: 'reserved',
      history: [
        { role: 'user', content: 'second?' },
        { role: 'assistant', content: 'second!' },
        { role: 'user', content: 'third?' },
        { role: 'assistant', content: 'third!' },
      ],
      clipTokens: undefined,
      recallable: undefined,
      shown: { messages: 4, tokens: 8, dropped: 2, recalled: 0, clipped: false },
      maxOutputTokens: 100,
    });
    expect(await findRequest(database, turn)).toMatchObject({
      state: 'running',
      shown: turn.answer.shown,
      reply: null,
    });
  });

  test('leaves two messages of its request and one charge, and gives the rest of the hold back', async () => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 125n });
    const settled = await settleTurn(database, endOf(turn));
    expect(settled).toMatchObject({ chargedMsat: 30n, balanceMsat: 9970n, reply: { tokenCount: 3 } });
    expect(await readSession(database, session.sessionId)).toMatchObject({
      balanceMsat: 9970n,
      heldMsat: 0n,
      messageCount: 2,
    });
    const { requestId } = turn;
    const messages = await messagesOf(database, session.sessionId);
    expect(messages).toMatchObject([
      { sessionRequestId: requestId, role: 'user', content: 'a question', tokenCount: 3, promptTokens: 2 },
      { sessionRequestId: requestId, role: 'assistant', content: 'an answer', tokenCount: 3, promptTokens: 3 },
    ]);
    expect(messages[1]!.id).toBe(settled!.reply!.id);
    expect(await chargesOf(database, session.sessionId)).toMatchObject([
      { sessionRequestId: requestId, amountMsat: -30n },
    ]);
  });

  test('is kept whole, so that a replay is identical', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'before', 'before');
    const turn = await reserved(database, session);
    const ending = endOf(turn, { state: 'incomplete', incompleteReason: 'max-output-tokens' });
    const settled = (await settleTurn(database, ending))!;
    const stored = await findRequest(database, turn);
    await say(database, session, 'after', 'after');
    expect(await findRequest(database, turn)).toEqual(stored);
    expect(stored).toMatchObject({
      id: turn.requestId,
      state: 'incomplete',
      incompleteReason: 'max-output-tokens',
      model: turn.model,
      inputTokens: 20,
      outputTokens: 10,
      chargedMsat: settled.chargedMsat,
      balanceMsat: settled.balanceMsat,
      createdAt: settled.createdAt,
      finishedAt: settled.finishedAt,
      shown: turn.answer.shown,
      reply: { ...settled.reply!, content: 'an answer' },
    });
  });

  test('whose history would start with a reply is shown without that turn', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'one', 'two');
    await say(database, session, 'three', 'four');
    const history = { maxMessages: 3, tokenBudget: 4000 };
    const { answer, ...turn } = await reserved(database, session, { history });
    expect(answer.history.map((message) => message.content)).toEqual(['three', 'four']);
    expect(answer.shown).toMatchObject({ messages: 2, tokens: 3, dropped: 2 });
    await run(database, `UPDATE session_messages SET created_at = now() WHERE session_id = $1`, [session.sessionId]);
    expect(await reserveTurn(database, turn)).toEqual(answer); // also when all was said at one instant
  });

  test('is cut by the token budget between its question and its answer, which share their time', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'a long question', 'short');
    expect(await getSessionHistory(session.sessionId, 8, 2, database)).toEqual([
      { role: 'assistant', content: 'short' },
    ]);
  });

  test('that was cancelled before a word was said is left out of prompts, yet listed and counted', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'one', 'two');
    await say(database, session, 'cancelled', '');
    const { answer } = await reserved(database, session, { history: { maxMessages: 2, tokenBudget: 4000 } });
    expect(answer.history.map((message) => message.content)).toEqual(['one', 'two']);
    expect(answer.shown).toMatchObject({ messages: 2, tokens: 2, dropped: 2 });
    expect((await messagesOf(database, session.sessionId)).map((message) => message.content)).toEqual([
      'one',
      'two',
      'cancelled',
      '',
    ]);
    expect((await readSession(database, session.sessionId)).messageCount).toBe(4);
    expect(await getSessionHistory(session.sessionId, 2, 4000, database)).toMatchObject([
      { content: 'cancelled' },
      { content: '' },
    ]);
  });

  test('is dated after the newest message, even if that lies in the future', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'one', 'two');
    await run(database, `UPDATE session_messages SET created_at = now() + interval '1 day' WHERE session_id = $1`, [
      session.sessionId,
    ]);
    await say(database, session, 'three', 'four');
    expect((await messagesOf(database, session.sessionId)).map((message) => message.content)).toEqual([
      'one',
      'two',
      'three',
      'four',
    ]);
    const inOrder = await getSessionHistory(session.sessionId, 8, 4000, database);
    expect(inOrder.map((message) => message.content)).toEqual(['one', 'two', 'three', 'four']);
  });
});

describe('reserveTurn', () => {
  test('gives the same answer for a wrong key, for the key of another session and for no session', async () => {
    const session = await fundedSession(database);
    const other = await fundedSession(database);
    for (const changes of [{ keyHash: randomBytes(32) }, { keyHash: other.keyHash }, { sessionId: randomUUID() }]) {
      expect(await reserveTurn(database, newTurn(session, changes))).toEqual({ outcome: 'not-found' });
    }
    expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 0n });
  });

  test('says why a session is not active', async () => {
    const unpaid = await unpaidSession(database);
    expect(await reserveTurn(database, newTurn(unpaid))).toEqual({ outcome: 'awaiting_payment' });
    const session = await fundedSession(database);
    for (const status of ['expired', 'closed'] as const) {
      await run(database, 'UPDATE sessions SET status = $1 WHERE id = $2', [status, session.sessionId]);
      expect(await reserveTurn(database, newTurn(session))).toEqual({ outcome: status });
    }
  });

  test('names the request that the conversation is busy with', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session, { idempotency: idempotency('mine') });
    const busy = { outcome: 'busy', requestId: turn.requestId };
    expect(await reserveTurn(database, newTurn(session))).toEqual(busy);
    expect(await reserveTurn(database, newTurn(session, { idempotency: turn.idempotency }))).toEqual(busy);
  });

  test('names the finished request of an idempotency key, whatever became of the session', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session, { idempotency: idempotency('mine') });
    await settleTurn(database, endOf(turn));
    const replay = { outcome: 'replay', requestId: turn.requestId };
    const again = () => newTurn(session, { idempotency: turn.idempotency });
    expect(await reserveTurn(database, again())).toEqual(replay);
    const running = await reserved(database, session);
    expect(await reserveTurn(database, again())).toEqual(replay);
    await settleTurn(database, endOf(running));
    await run(database, `UPDATE sessions SET status = 'closed' WHERE id = $1`, [session.sessionId]);
    expect(await reserveTurn(database, again())).toEqual(replay);
    expect(await reserveTurn(database, { ...again(), keyHash: randomBytes(32) })).toEqual({ outcome: 'not-found' });
    expect(await chargesOf(database, session.sessionId)).toHaveLength(2);
  });

  test('refuses an idempotency key that came with another body, running or finished', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session, { idempotency: idempotency('mine') });
    const other = () => newTurn(session, { idempotency: idempotency('mine', 'other') });
    const mismatch = { outcome: 'mismatch', requestId: turn.requestId };
    expect(await reserveTurn(database, other())).toEqual(mismatch);
    await settleTurn(database, endOf(turn));
    expect(await reserveTurn(database, other())).toEqual(mismatch);
  });

  test('takes the same idempotency key for two sessions as two keys', async () => {
    const [one, two] = [await fundedSession(database), await fundedSession(database)];
    await reserved(database, one, { idempotency: idempotency('mine') });
    const turn = newTurn(two, { idempotency: idempotency('mine', 'other') });
    expect(await reserveTurn(database, turn)).toMatchObject({ outcome: 'reserved' });
  });

  test('frees the key of a failed request, also for another body', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session, { idempotency: idempotency('mine') });
    await releaseTurn(database, turn);
    const retried = await reserved(database, session, { idempotency: idempotency('mine', 'other') });
    await settleTurn(database, endOf(retried));
    expect(await findRequest(database, turn)).toMatchObject({ state: 'failed', chargedMsat: 0n, reply: null });
    expect(await chargesOf(database, session.sessionId)).toHaveLength(1);
  });

  test('sent again with its request id answers the same, with one hold', async () => {
    const session = await fundedSession(database, 10_000n);
    await say(database, session, 'one', 'two');
    const turn = await reserved(database, session, { idempotency: idempotency('mine') });
    expect(await reserveTurn(database, turn)).toEqual(turn.answer);
    const { heldMsat } = (
      await run<{ heldMsat: string }>(database, 'SELECT held_msat AS "heldMsat" FROM session_requests WHERE id = $1', [
        turn.requestId,
      ])
    )[0]!;
    expect((await readSession(database, session.sessionId)).heldMsat).toBe(BigInt(heldMsat));
  });
});
