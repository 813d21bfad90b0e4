/** Proof that a trial notices: faults are planted in the database, and it must name them. */
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { newTurn } from '../src/new-turn.ts';
import { openFundedSession } from '../src/open-funded-session.ts';
import { parseOptions } from '../src/options.ts';
import { openSession } from '../src/payments.ts';
import { Random } from '../src/random.ts';
import { sendTurn } from '../src/send-turn.ts';
import { openTrial, type Trial } from '../src/trial.ts';

const TIMEOUT_MS = 300_000;

describe('a trial notices', () => {
  let database: TestDatabase;
  let trial: Trial;
  let sessionId: string;
  let requestId: string;
  let paymentHash: string;

  beforeAll(async () => {
    database = await openTestDatabase();
    trial = await openTrial({ mode: 'server', seed: 'planted', clients: 0, databaseUrl: database.url });
    const { scene } = trial;
    const random = new Random('planted');
    const session = await openFundedSession(scene, random);
    for (const name of ['first', 'second']) {
      session.step += 1;
      const turn = newTurn(session, { name, keyed: true, random });
      await sendTurn(scene, session, turn, { server: scene.pickServer(random), streamed: false });
      requestId = turn.requestId!;
    }
    sessionId = session.id;
    const unpaid = await openSession(scene, random);
    paymentHash = unpaid!.invoices[0]!.paymentHash;
  }, TIMEOUT_MS);
  afterAll(async () => {
    await trial[Symbol.asyncDispose]();
    await database.close();
  });

  /** Each leaves its traces, so each names a promise that was kept until then. */
  const faults: ReadonlyArray<{ fault: string; named: string; sql: () => string }> = [
    {
      fault: 'an acknowledged reply with another word in it',
      named: '7: an acknowledged answer is repeated letter by letter',
      sql: () => `UPDATE session_messages SET content = content || '!' WHERE role = 'assistant'
        AND session_request_id = '${requestId}'`,
    },
    {
      fault: 'a balance that is not the ledger’s',
      named: '1: a balance is the sum of its ledger',
      sql: () => `ALTER TABLE sessions DISABLE TRIGGER sessions_balance_is_the_ledger;
        UPDATE sessions SET balance_msat = balance_msat + 1 WHERE id = '${sessionId}';
        ALTER TABLE sessions ENABLE TRIGGER sessions_balance_is_the_ledger`,
    },
    {
      fault: 'a hold that nobody has',
      named: '1: held is what running requests hold, and within the balance',
      sql: () => `UPDATE sessions SET held_msat = 1 WHERE id = '${sessionId}'`,
    },
    {
      fault: 'a payment credited that nobody made',
      named: '2: an invoice is credited once, with what was received, if it was paid',
      sql: () => `SELECT credit_payment('\\x${paymentHash}', 1000)`,
    },
    {
      fault: 'a payment credited twice',
      named: '2: a paid invoice has one deposit of what was received, an unpaid one none',
      sql: () => `DROP INDEX ledger_entries_one_deposit_per_payment;
        INSERT INTO ledger_entries (session_id, kind, amount_msat, payment_hash)
        SELECT session_id, kind, amount_msat, payment_hash FROM ledger_entries WHERE kind = 'deposit' LIMIT 1`,
    },
    {
      fault: 'a turn charged twice',
      named: '3: a finished request has one charge, of what it says; any other has none',
      sql: () => `DROP INDEX ledger_entries_one_charge_per_request;
        INSERT INTO ledger_entries (session_id, kind, amount_msat, session_request_id)
        SELECT session_id, kind, amount_msat, session_request_id FROM ledger_entries WHERE kind = 'charge' LIMIT 1`,
    },
    {
      fault: 'a reply said before its question',
      named: '4: messages are in pairs, the user’s first, in the order in which they were written',
      sql: () => `UPDATE session_messages SET created_at = created_at + interval '1 us' WHERE role = 'user'
        AND session_request_id = '${requestId}'`,
    },
    {
      fault: 'half of a turn',
      named: '3: a finished request has one user and one assistant message, or none once forgotten; any other has none',
      sql: () => `DELETE FROM session_messages WHERE role = 'assistant' AND session_request_id = '${requestId}'`,
    },
    {
      fault: 'an acknowledged turn without its messages',
      named: '7: the messages of an acknowledged turn are still there',
      sql: () => `DELETE FROM session_messages WHERE session_request_id = '${requestId}'`,
    },
    {
      fault: 'a request that runs for ever',
      named: '7: no request is stuck running',
      sql: () => `UPDATE session_requests SET state = 'running', incomplete_reason = NULL, finished_at = NULL, charged_msat = NULL,
          balance_msat = NULL, input_tokens = NULL, output_tokens = NULL, lease_expires_at = now() + interval '1 hour'
        WHERE id = '${requestId}'`,
    },
  ];
  let named: string[] = [];

  test('nothing where no fault is', { timeout: TIMEOUT_MS }, async () => {
    expect(await trial.checkEverything()).toEqual([]);
  });

  test.for(faults)('$fault', { timeout: TIMEOUT_MS }, async ({ named: promise, sql }) => {
    expect(named).not.toContain(promise);
    await database.db.$client.query(sql());
    named = (await trial.checkEverything()).map((violation) => violation.promise);
    expect(named).toContain(promise);
  });
});

test('a seed repeats what was chosen, and another one chooses otherwise', () => {
  const choices = (seed: string) => {
    const random = new Random(seed).fork('round 1');
    return Array.from({ length: 20 }, () => random.whole(1, 6));
  };
  expect(choices('a')).toEqual(choices('a'));
  expect(choices('a')).not.toEqual(choices('b'));
  expect(new Set(choices('a'))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});

test('options that make no sense are refused', () => {
  expect(parseOptions(['--mode', 'freeze', '--kills', '3', '--seed', 'x'])).toEqual({
    mode: 'freeze',
    kills: 3,
    seed: 'x',
    clients: 8,
  });
  expect(() => parseOptions(['--mode', 'everything'])).toThrow('--mode is one of');
  expect(() => parseOptions(['--kills', '0'])).toThrow('--kills is a whole number');
});
