/** What a turn would hold, reckoned beforehand: the same as it holds then, and nothing is touched for it. */
import { randomBytes, randomUUID } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { settleTurn } from '../src/end-turn.ts';
import { type EstimatedTurn, type EstimateTurn, estimateTurn } from '../src/estimate-turn.ts';
import { type ReserveTurn, reserveTurn } from '../src/reserve-turn.ts';
import { endOf, fundedSession, newTurn, readSession, reserved, run, say, unpaidSession } from './fixtures.ts';
import { anyBounds, anyMessages, storedAs, storeMessages } from './stored-messages.ts';
import { database, useDatabase } from './use-database.ts';
import { windowModel } from './window-model.ts';

useDatabase();

async function estimated(turn: EstimateTurn): Promise<EstimatedTurn> {
  const estimate = await estimateTurn(database, turn);
  if (!('shown' in estimate)) throw new Error(`not estimated: ${estimate.outcome}`);
  return estimate;
}

const price = fc.oneof(fc.constant(0n), fc.constant(1n), fc.bigInt(1n, 20_000n));
const anyTerms = fc.record({
  ownTokens: fc.nat(3000),
  inputMsatPerKtoken: price,
  outputMsatPerKtoken: price,
  maxOutputTokens: fc.integer({ min: 1, max: 2000 }),
  minOutputTokens: fc.constantFrom(64, 512),
  history: anyBounds,
});

/** What reserving it right afterwards comes to, in the words of an estimate. */
async function reserve(turn: ReserveTurn): Promise<Partial<EstimatedTurn>> {
  const answer = await reserveTurn(database, turn);
  if (answer.outcome === 'insufficient') {
    const { outcome, requiredMsat, balanceMsat, heldMsat } = answer;
    return { outcome, requiredMsat, availableMsat: balanceMsat - heldMsat, holdMsat: undefined };
  }
  if (answer.outcome !== 'reserved') throw new Error(`not reserved: ${answer.outcome}`);
  const { heldMsat } = await readSession(database, turn.sessionId);
  const { shown, maxOutputTokens } = answer;
  return { outcome: 'estimated', holdMsat: heldMsat, shown, maxOutputTokens };
}

describe('an estimate', () => {
  test('is what the turn then holds, shows and may say, whatever is stored, asked for, priced and there', async () => {
    const balance = fc.oneof(fc.bigInt(1n, 3000n), fc.bigInt(1n, 200_000n), fc.constant(10_000_000n));
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyMessages, anyTerms, balance, fc.boolean(), async (messages, terms, balanceMsat, isLeft) => {
        const session = await fundedSession(database, balanceMsat);
        await storeMessages(database, session.sessionId, messages);
        // Its server is gone, and its lease ran out: whoever is let in frees its hold.
        if (isLeft) await reserveTurn(database, newTurn(session, { leaseMs: -1 }));
        const turn = newTurn(session, terms);
        const estimate = await estimated(turn);
        outcomes.add(estimate.outcome + (estimate.holdMsat === balanceMsat ? ', all of the balance' : ''));
        const window = windowModel(storedAs(messages), terms.history);
        const inputTokens = BigInt(terms.ownTokens + 4 + window.promptTokens);
        expect(estimate.leastMsat).toBe((inputTokens * terms.inputMsatPerKtoken + 999n) / 1000n);
        expect(estimate.leastMsat).toBeLessThanOrEqual(estimate.requiredMsat);
        expect(estimate).toMatchObject(await reserve(turn));
      }),
      { numRuns: 300 },
    );
    expect([...outcomes].toSorted()).toEqual(['estimated', 'estimated, all of the balance', 'insufficient']);
  });

  test('has room for as much as may be recalled, and counts none of it as shown', async () => {
    const session = await fundedSession(database);
    for (const word of ['one', 'two', 'three']) await say(database, session, word, word);
    const history = { maxMessages: 2, tokenBudget: 100 };
    const without = await estimated(newTurn(session, { history }));
    const within = await estimated(newTurn(session, { history: { ...history, recallTokens: 20 } }));
    expect(within.holdMsat! - without.holdMsat!).toBe(75n); // three prompt tokens for each, and a quarter on top
    expect(within).toEqual({ ...without, holdMsat: within.holdMsat });
    expect(within.shown).toEqual({ messages: 2, tokens: 4, dropped: 4, recalled: 0, clipped: false });
  });

  test('counts what others hold as not available, and does not wait for them', async () => {
    const session = await fundedSession(database, 200n);
    const running = await reserved(database, session);
    expect(await estimated(newTurn(session))).toMatchObject({ outcome: 'insufficient', availableMsat: 75n });
    await settleTurn(database, endOf(running));
    expect(await estimated(newTurn(session))).toMatchObject({ outcome: 'estimated', availableMsat: 170n });
  });

  test('leaves everything as it was, and waits for no lock', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'hello', 'hello');
    const client = await database.$client.connect();
    const everything = () =>
      run(
        database,
        `SELECT s.xmin, s.ctid, s.*, (SELECT count(*) FROM session_requests r WHERE r.session_id = s.id) AS requests,
           (SELECT count(*) FROM ledger_entries l WHERE l.session_id = s.id) AS entries
         FROM sessions s WHERE s.id = $1`,
        [session.sessionId],
      );
    const before = await everything();
    await client.query('BEGIN');
    await client.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.sessionId]);
    expect(await estimated(newTurn(session))).toMatchObject({ outcome: 'estimated' });
    await client.query('ROLLBACK');
    client.release();
    const locked = await everything();
    const { xmin, ctid, ...row } = locked[0]!;
    expect({ ...before[0]!, xmin, ctid }).toEqual({ ...row, xmin, ctid });
    expect(await estimated(newTurn(session))).toMatchObject({ outcome: 'estimated' });
    expect(await everything()).toEqual(locked);
  });

  test('is given to a key of its session alone, and of a session that can be used', async () => {
    const session = await fundedSession(database);
    const other = await fundedSession(database);
    for (const changes of [{ keyHash: randomBytes(32) }, { keyHash: other.keyHash }, { sessionId: randomUUID() }]) {
      expect(await estimateTurn(database, newTurn(session, changes))).toEqual({ outcome: 'not-found' });
    }
    expect(await estimateTurn(database, newTurn(await unpaidSession(database)))).toEqual({
      outcome: 'awaiting_payment',
    });
    for (const status of ['expired', 'closed'] as const) {
      await run(database, 'UPDATE sessions SET status = $1 WHERE id = $2', [status, session.sessionId]);
      expect(await estimateTurn(database, newTurn(session))).toEqual({ outcome: status });
    }
  });
});
