import { describe, expect, test } from 'vitest';

import {
  endOf,
  fundedSession,
  newInvoice,
  readSession,
  reserved,
  run,
  say,
  unpaidSession,
  topUp,
} from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { creditPayment } from './invoices.ts';
import { listDiscrepancies, listLedger } from './ledger.ts';
import { inTransaction } from './transaction.ts';
import { settleTurn } from './end-turn.ts';

useDatabase({ unbalanced: true });

const refusedBy = (constraint: string) => expect.objectContaining({ constraint });

/** Plants what the triggers forbid, as only a superuser can. */
async function withoutTriggers(statement: string, params: unknown[]): Promise<void> {
  const client = await database.$client.connect();
  await client.query('BEGIN');
  await client.query(`SET LOCAL session_replication_role = 'replica'`);
  await client.query(statement, params);
  await client.query('COMMIT');
  client.release();
}

describe('the balance', () => {
  test('is the sum of the ledger after deposits and charges', async () => {
    const session = await fundedSession(database, 1000n);
    for (const word of ['one', 'two', 'three']) await say(database, session, word, word);
    const invoice = await topUp(database, session.sessionId);
    await creditPayment(database, { ...invoice, receivedMsat: 7n });
    const entries = await listLedger(database, session.sessionId);
    expect(entries.map((entry) => [entry.kind, entry.amountMsat])).toEqual([
      ['deposit', 1000n],
      ['charge', -30n],
      ['charge', -30n],
      ['charge', -30n],
      ['deposit', 7n],
    ]);
    expect((await readSession(database, session.sessionId)).balanceMsat).toBe(917n);
    expect(await listDiscrepancies(database)).toEqual([]);
  });

  test('follows a refund', async () => {
    const { sessionId } = await fundedSession(database, 1000n);
    await run(database, `INSERT INTO ledger_entries (session_id, kind, amount_msat) VALUES ($1, 'refund', -400)`, [
      sessionId,
    ]);
    expect((await readSession(database, sessionId)).balanceMsat).toBe(600n);
  });

  test('cannot be set, neither at first nor later, not even to what it is', async () => {
    const { sessionId } = await fundedSession(database);
    for (const statement of [
      'UPDATE sessions SET balance_msat = 10001 WHERE id = $1',
      'UPDATE sessions SET balance_msat = balance_msat WHERE id = $1',
    ]) {
      await expect(run(database, statement, [sessionId])).rejects.toEqual(refusedBy('sessions_balance_is_the_ledger'));
    }
    const insert = run(database, `INSERT INTO sessions (status, balance_msat) VALUES ('active', 1)`);
    await expect(insert).rejects.toEqual(refusedBy('sessions_start_without_balance'));
  });
});

describe('the ledger', () => {
  test('is only added to', async () => {
    const { sessionId } = await fundedSession(database);
    for (const statement of [
      'UPDATE ledger_entries SET amount_msat = amount_msat + 1 WHERE session_id = $1',
      'DELETE FROM ledger_entries WHERE session_id = $1',
    ]) {
      await expect(run(database, statement, [sessionId])).rejects.toEqual(refusedBy('ledger_entries_append_only'));
    }
    for (const table of ['ledger_entries', 'sessions', 'invoices', 'session_requests']) {
      await expect(run(database, `TRUNCATE ${table} CASCADE`)).rejects.toEqual(
        refusedBy('ledger_entries_never_truncated'),
      );
    }
  });

  test('keeps its session, its requests and its invoices from being deleted', async () => {
    const session = await fundedSession(database);
    await say(database, session, 'hello', 'hello');
    for (const [statement, constraint] of [
      ['DELETE FROM sessions WHERE id = $1', /^ledger_entries_/],
      ['DELETE FROM invoices WHERE session_id = $1', 'ledger_entries_invoice_of_session'],
      ['DELETE FROM session_requests WHERE session_id = $1', /_request_of_session$/],
    ] as const) {
      await expect(run(database, statement, [session.sessionId])).rejects.toMatchObject({
        constraint: expect.stringMatching(constraint),
      });
    }
  });

  test('is in the order that the balance went, not in that of transactions’ starts', async () => {
    const session = await fundedSession(database, 1000n);
    const [first, second] = [newInvoice(), newInvoice()];
    for (const invoice of [first, second]) await topUp(database, session.sessionId, invoice);
    const turn = await reserved(database, session);
    await inTransaction(database, async (tx) => {
      await tx.execute('SELECT'); // the transaction's time is now
      await creditPayment(database, { ...first, receivedMsat: 1n });
      await creditPayment(tx, { ...second, receivedMsat: 2n });
      await settleTurn(tx, endOf(turn));
    });
    const entries = await listLedger(database, session.sessionId);
    expect(entries.map((entry) => entry.amountMsat)).toEqual([1000n, 1n, 2n, -30n]);
  });

  test('of one session shows nothing of others', async () => {
    await fundedSession(database);
    expect(await listLedger(database, (await unpaidSession(database)).sessionId)).toEqual([]);
  });
});

describe('listDiscrepancies', () => {
  test('finds a balance that is not the sum of the ledger', async () => {
    const { sessionId } = await fundedSession(database, 1000n);
    await withoutTriggers('UPDATE sessions SET balance_msat = 1001 WHERE id = $1', [sessionId]);
    expect(await listDiscrepancies(database)).toEqual([
      { sessionId, balanceMsat: 1001n, ledgerMsat: 1000n, heldMsat: 0n, runningHoldsMsat: 0n },
    ]);
    await withoutTriggers('UPDATE sessions SET balance_msat = 1000 WHERE id = $1', [sessionId]);
    expect(await listDiscrepancies(database)).toEqual([]);
  });

  test('finds a hold that no running request has', async () => {
    const session = await fundedSession(database, 1000n);
    const { sessionId } = session;
    await run(database, 'UPDATE sessions SET held_msat = 5 WHERE id = $1', [sessionId]);
    expect(await listDiscrepancies(database)).toEqual([
      { sessionId, balanceMsat: 1000n, ledgerMsat: 1000n, heldMsat: 5n, runningHoldsMsat: 0n },
    ]);
    await run(database, 'UPDATE sessions SET held_msat = 0 WHERE id = $1', [sessionId]);
    await reserved(database, session);
    expect(await listDiscrepancies(database)).toEqual([]);
    await run(database, 'UPDATE sessions SET held_msat = 0 WHERE id = $1', [sessionId]);
    expect(await listDiscrepancies(database)).toMatchObject([{ heldMsat: 0n, runningHoldsMsat: 125n }]);
  });
});
