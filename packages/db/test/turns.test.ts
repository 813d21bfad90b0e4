/** What a turn costs: the hold that is taken from a balance, and the round trips. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { forgetMessages } from '../src/history.ts';
import { connect } from '../src/open.ts';
import { releaseTurn, settleTurn } from '../src/end-turn.ts';
import { type ReserveTurn, reserveTurn } from '../src/reserve-turn.ts';
import { endOf, fundedSession, newTurn, readSession, reserved, say, type TestSession } from './fixtures.ts';
import { database, opened, useDatabase } from './use-database.ts';

useDatabase();

const ceilDivide = (dividend: bigint, divisor: bigint) => (dividend + divisor - 1n) / divisor;

/** What a hold has to cover, as the product page says it. */
function priceOf(turn: ReserveTurn, historyPromptTokens: number, outputTokens: number): bigint {
  const inputTokens = ceilDivide(5n * BigInt(turn.ownTokens + 4 + historyPromptTokens), 4n);
  return ceilDivide(inputTokens * turn.inputMsatPerKtoken + BigInt(outputTokens) * turn.outputMsatPerKtoken, 1000n);
}

const heldBy = async (session: TestSession) => (await readSession(database, session.sessionId)).heldMsat;

describe('the hold', () => {
  test('is 1.25 times the input that is really sent, and all the output', async () => {
    const session = await fundedSession(database, 1_000_000n);
    await say(database, session, 'dropped', 'dropped');
    await say(database, session, 'x'.repeat(11), 'y'.repeat(22)); // as many prompt tokens
    await reserved(database, session, {
      ownTokens: 7,
      inputMsatPerKtoken: 3001n,
      outputMsatPerKtoken: 15_001n,
      maxOutputTokens: 1024,
      history: { maxMessages: 2, tokenBudget: 4000 },
    });
    // 1.25 × (7 + 4 + 11 + 4 + 22 + 4) = 65 tokens; 65 × 3.001 + 1024 × 15.001 = 15556.089
    expect(await heldBy(session)).toBe(15_557n);
  });

  test('counts 4 tokens of overhead for the new message and for each shown, and rounds up', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'dropped', 'said');
    await reserved(database, session, {
      ownTokens: 0,
      maxOutputTokens: 1,
      history: { maxMessages: 1, tokenBudget: 9 },
    });
    expect(await heldBy(session)).toBe(6n); // a leading reply is not shown and not paid for: 1.25 × 4 + 1
    const other = await fundedSession(database);
    await say(database, other, 'a', 'b');
    await reserved(database, other, { ownTokens: 1, maxOutputTokens: 1 });
    expect(await heldBy(other)).toBe(20n); // 1.25 × (1 + 4 + 1 + 4 + 1 + 4) = 18.75, so 19, and 1
  });

  test('of a balance that pays for less is the balance, and fewer output tokens', async () => {
    const session = await fundedSession(database, 124n);
    const { answer } = await reserved(database, session);
    expect(answer.maxOutputTokens).toBe(99);
    expect(await heldBy(session)).toBe(124n);
  });

  test('below 64 output tokens is refused, saying what it takes', async () => {
    const session = await fundedSession(database, 88n);
    expect(await reserveTurn(database, newTurn(session))).toEqual({
      outcome: 'insufficient',
      requiredMsat: 89n, // 25 of input and 64 of output
      balanceMsat: 88n,
      heldMsat: 0n,
    });
    const enough = await fundedSession(database, 89n);
    expect((await reserved(database, enough)).answer.maxOutputTokens).toBe(64);
  });

  test('asks for no more than the request wants, when that is below 64 output tokens', async () => {
    const session = await fundedSession(database, 35n);
    expect((await reserved(database, session, { maxOutputTokens: 10 })).answer.maxOutputTokens).toBe(10);
    const short = await fundedSession(database, 34n);
    expect(await reserveTurn(database, newTurn(short, { maxOutputTokens: 10 }))).toMatchObject({ requiredMsat: 35n });
  });

  test('is nothing when prices are zero', async () => {
    const session = await fundedSession(database, 1n);
    const free = { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n };
    const turn = await reserved(database, session, free);
    expect(turn.answer.maxOutputTokens).toBe(100);
    expect(await heldBy(session)).toBe(0n);
    expect(await settleTurn(database, endOf(turn))).toMatchObject({ chargedMsat: 0n, balanceMsat: 1n });
    const inputOnly = await reserved(database, session, { ...free, inputMsatPerKtoken: 1n, maxOutputTokens: 5000 });
    expect(inputOnly.answer.maxOutputTokens).toBe(5000);
  });

  test('never exceeds the balance, and one more output token would not fit', async () => {
    const said = 'six tk'.length + 4 + 'seven t'.length + 4;
    const sessions: { session: TestSession; balanceMsat: bigint }[] = [];
    for (const balanceMsat of [1n, 97n, 1000n, 33_333n, 10_000_000_000n]) {
      // Free of charge, so that the balance stays what it is.
      const session = await fundedSession(database, balanceMsat);
      const turn = await reserved(database, session, { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n });
      const [user, reply] = [
        { content: 'six tk', promptTokens: 6 },
        { content: 'seven t', promptTokens: 7 },
      ];
      await settleTurn(database, endOf(turn, { chargeMsat: 0n, user, reply }));
      sessions.push({ session, balanceMsat });
    }
    const changes = fc.record({
      ownTokens: fc.nat(5000),
      inputMsatPerKtoken: fc.oneof(fc.bigInt(0n, 5000n), fc.bigInt(0n, 100_000_000n)),
      outputMsatPerKtoken: fc.oneof(fc.bigInt(0n, 5000n), fc.bigInt(0n, 100_000_000n)),
      maxOutputTokens: fc.integer({ min: 1, max: 100_000 }),
      minOutputTokens: fc.integer({ min: 1, max: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sessions), changes, async ({ session, balanceMsat }, record) => {
        const turn = newTurn(session, record);
        const outcome = await reserveTurn(database, turn);
        const heldMsat = await heldBy(session);
        await releaseTurn(database, turn);
        const price = (outputTokens: number) => priceOf(turn, said, outputTokens);
        const requiredMsat = price(Math.min(turn.minOutputTokens, turn.maxOutputTokens));
        if (outcome.outcome !== 'reserved') {
          assert(balanceMsat < requiredMsat, 'a balance that pays for enough was refused');
          assert.deepEqual(outcome, { outcome: 'insufficient', requiredMsat, balanceMsat, heldMsat: 0n });
          return;
        }
        const { maxOutputTokens } = outcome;
        const whole = maxOutputTokens === turn.maxOutputTokens;
        assert(maxOutputTokens >= Math.min(turn.minOutputTokens, turn.maxOutputTokens), 'below the floor');
        assert(maxOutputTokens <= turn.maxOutputTokens, 'more than was asked');
        assert(heldMsat <= balanceMsat && price(maxOutputTokens) <= heldMsat, 'the hold does not pay for the output');
        assert(whole || price(maxOutputTokens + 1) > balanceMsat, 'one more output token would fit');
        assert.equal(heldMsat, whole ? price(maxOutputTokens) : balanceMsat);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a turn’s round trips', () => {
  test('are two: no BEGIN, no COMMIT', async () => {
    const session = await fundedSession(database);
    const watched = connect(opened.url);
    const statements: unknown[] = [];
    watched.db.$client.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's query has too many signatures to restate
      client.query = ((...args: unknown[]) => {
        statements.push(args[0]);
        return query(...args);
      }) as typeof client.query;
    });
    const turn = newTurn(session);
    await reserveTurn(watched.db, turn);
    expect(statements).toMatchObject([{ name: 'reserve_turn' }]);
    await settleTurn(watched.db, endOf(turn));
    expect(statements).toMatchObject([{ name: 'reserve_turn' }, { name: 'settle_turn' }]);
    await releaseTurn(watched.db, { ...turn, requestId: randomUUID() });
    expect(statements).toHaveLength(3);
    await watched.close();
  });

  test('leave no connection taken while the model is thinking', async () => {
    const session = await fundedSession(database);
    const one = connect(opened.url, { poolSize: 1 });
    const turn = newTurn(session);
    await reserveTurn(one.db, turn);
    expect(one.db.$client.idleCount).toBe(1);
    const other = await fundedSession(one.db);
    await say(one.db, other, 'meanwhile', 'said');
    expect(await settleTurn(one.db, endOf(turn))).toMatchObject({ chargedMsat: 30n });
    await one.close();
  });
});

test('a settle sent again once the conversation was forgotten has no reply to name', async () => {
  const session = await fundedSession(database);
  const turn = await reserved(database, session);
  await settleTurn(database, endOf(turn));
  await forgetMessages(database, session.sessionId);
  expect(await settleTurn(database, endOf(turn))).toMatchObject({ reply: null });
});
