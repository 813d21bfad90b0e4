/**
 * N racing debits against a balance for k grant exactly k. The same race is run by a variant that reads, compares and then
 * writes, to show that the check can fail.
 */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { listLedger } from '../src/ledger.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { Database } from '../src/transaction.ts';
import { settleTurn } from '../src/end-turn.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { endOf, expectBalancedBooks, fundedSession, newTurn, readSession, run, type TestSession } from './fixtures.ts';

const RACERS = 10;
const PRICE_MSAT = 125n;
/** Enough for three, and almost for a fourth. */
const BALANCE_MSAT = 3n * PRICE_MSAT + 124n;

/** Takes the price from the balance, or is refused. Everyone comes to `line` before anyone goes on. */
type Debit = (database: Database, session: TestSession, line: () => Promise<void>) => Promise<boolean>;

/** A turn at this price, begun again as long as another one runs. */
const debitByTurn: Debit = async (database, session, line) => {
  await line();
  for (;;) {
    const turn = newTurn(session, { history: { maxMessages: 0, tokenBudget: 0 }, minOutputTokens: 100 });
    const answer = await reserveTurn(database, turn);
    if (answer.outcome === 'reserved') await settleTurn(database, endOf(turn, { chargeMsat: PRICE_MSAT }));
    if (answer.outcome !== 'busy') return answer.outcome === 'reserved';
  }
};

/** What no code here may do: the balance that was compared is not the one that is written to. */
const readCompareWrite: Debit = async (database, { sessionId }, line) => {
  const { balanceMsat } = await readSession(database, sessionId);
  await line();
  if (balanceMsat < PRICE_MSAT) return false;
  await run(
    database,
    `WITH request AS (
       INSERT INTO session_requests (id, session_id, state, model, max_output_tokens, input_tokens, output_tokens, held_msat,
         charged_msat, balance_msat, history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at, finished_at)
       VALUES ($1, $2, 'completed', 'a model', 1, 1, 1, $3, $3, $4, 0, 0, 0, $1, now(), now()) RETURNING id)
     INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat) SELECT $2, id, 'charge', -$3 FROM request`,
    [randomUUID(), sessionId, PRICE_MSAT, balanceMsat - PRICE_MSAT],
  );
  return true;
};

interface Outcome {
  readonly granted: number;
  readonly refused: number;
  /** Why the others were neither granted nor refused. */
  readonly errors: unknown[];
  readonly charges: number;
  readonly balanceMsat: bigint;
}

async function race(database: Database, debit: Debit): Promise<Outcome> {
  const session = await fundedSession(database, BALANCE_MSAT);
  const racers = Array.from({ length: RACERS }, () => Promise.withResolvers<void>());
  const everyone = Promise.all(racers.map((racer) => racer.promise));
  const line = (racer: PromiseWithResolvers<void>) => async () => {
    racer.resolve();
    await everyone;
  };
  const results = await Promise.allSettled(racers.map((racer) => debit(database, session, line(racer))));
  const count = (granted: boolean) =>
    results.filter((result) => result.status === 'fulfilled' && result.value === granted).length;
  const ledger = await listLedger(database, session.sessionId);
  return {
    granted: count(true),
    refused: count(false),
    errors: results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])),
    charges: ledger.filter((entry) => entry.kind === 'charge').length,
    balanceMsat: (await readSession(database, session.sessionId)).balanceMsat,
  };
}

const exactlyThree: Outcome = { granted: 3, refused: 7, errors: [], charges: 3, balanceMsat: 124n };

describe('ten debits at once against a balance that pays for three', () => {
  let opened: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    opened = await openTestDatabase({ poolSize: RACERS });
    database = opened.db;
    await Promise.all(Array.from({ length: RACERS }, () => run(database, 'SELECT pg_sleep(0.01)'))); // as many connections
  });
  afterAll(() => opened.close());

  test('are granted exactly three times', async () => {
    expect(await race(database, debitByTurn)).toEqual(exactlyThree);
    await expectBalancedBooks(database);
  });

  test('and that read, compare, then write run into the constraint: seven fail that should have been refused', async () => {
    const { errors, ...outcome } = await race(database, readCompareWrite);
    expect(outcome).toEqual({ granted: 3, refused: 0, charges: 3, balanceMsat: 124n });
    expect(errors).toHaveLength(7);
    for (const error of errors) expect(error).toMatchObject({ constraint: 'sessions_balance_not_negative' });
  });

  describe('when no constraint stands behind them', () => {
    beforeAll(async () => {
      const drop = (name: string) => run(database, `ALTER TABLE sessions DROP CONSTRAINT ${name}`);
      await drop('sessions_balance_not_negative');
      await drop('sessions_held_within_balance');
    });

    test('are still granted exactly three times', async () => {
      expect(await race(database, debitByTurn)).toEqual(exactlyThree);
    });

    test('are all granted if they read, compare, then write', async () => {
      const outcome = await race(database, readCompareWrite);
      expect(outcome).not.toEqual(exactlyThree);
      const balanceMsat = BALANCE_MSAT - 10n * PRICE_MSAT;
      expect(outcome).toEqual({ granted: 10, refused: 0, errors: [], charges: 10, balanceMsat });
    });
  });
});
