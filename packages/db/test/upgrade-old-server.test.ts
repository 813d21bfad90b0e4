/**
 * A server of version 0.1.0 on a database of today, beside a server of today: what it sends, word for word, still works and
 * still means the same. Both see what the other does.
 */
import { randomBytes, randomUUID } from 'node:crypto';

import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import {
  creditPayment,
  type Database,
  findSession,
  getSessionHistory,
  listDiscrepancies,
  releaseTurn,
  renewLeases,
  reserveTurn,
  settleTurn,
  sweepLeases,
} from '../src/index.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { endOf, HOUR_MS, loseLease, newTurn, readSession, run, type TestSession } from './fixtures.ts';
import { OldServer, type StatementName } from './old-server.ts';

let opened: TestDatabase;
let database: Database;
let old: OldServer;
let session: TestSession;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = opened.db;
  old = await OldServer.open(opened.url);
});
beforeEach(async () => {
  session = await old.fundedSession();
});
afterEach(async () => {
  assert.deepEqual(await listDiscrepancies(database), []);
  assert.deepEqual(await old.send('listDiscrepancies'), []);
});
afterAll(async () => {
  await old.close();
  await opened.close();
});

describe('a session that an old server opened', () => {
  test('is found by its key, with its newest unpaid invoice, and by no other key', async () => {
    const unpaid = await old.openSession();
    expect(await old.sendForLists('findSession', unpaid.keyHash, unpaid.sessionId)).toMatchObject([
      {
        0: unpaid.sessionId,
        1: 'awaiting_payment',
        2: '0',
        8: unpaid.sessionId,
        9: 'lnbcrt',
      },
    ]);
    expect(await old.send('findSession', randomBytes(32), unpaid.sessionId)).toEqual([]);
    expect(await findSession(database, unpaid)).toMatchObject({
      status: 'awaiting_payment',
      invoice: { status: 'pending' },
    });
  });

  test('is credited once, whichever server comes first', async () => {
    const [one, two] = [await old.openSession(), await old.openSession()];
    const credits = await Promise.all([
      old.credit(one, 5n),
      creditPayment(database, { paymentHash: one.paymentHash, receivedMsat: 5n }),
    ]);
    expect(credits.toSorted((a, b) => a.localeCompare(b))).toEqual(['applied', 'replayed']);
    expect(await creditPayment(database, { paymentHash: two.paymentHash, receivedMsat: 5n })).toBe('applied');
    expect(await old.credit(two, 5n)).toBe('replayed');
    expect(await old.credit({ paymentHash: 'ab'.repeat(32) }, 5n)).toBe('foreign');
    for (const { sessionId } of [one, two]) {
      expect(await readSession(database, sessionId)).toMatchObject({ status: 'active', balanceMsat: 5n });
    }
  });

  test('is topped up by an invoice that is offered, claimed, looked up and given up', async () => {
    const { sessionId } = session;
    const hash = await old.inTransaction(async () => {
      await old.send('lockSession', sessionId);
      return old.addInvoice(sessionId);
    });
    expect(await old.send('findPayableInvoice', sessionId, 10_000n, 1)).toMatchObject([{ payment_hash: hash }]);
    expect(await old.send('findPayableInvoice', sessionId, 10_001n, 1)).toEqual([]);
    await old.send('lookUpAllInvoicesNow');
    expect(await old.send('claimInvoicesToLookUp', 1000)).toContainEqual({ payment_hash: hash });
    expect(await old.send('claimInvoicesToLookUp', 1000)).not.toContainEqual({ payment_hash: hash });
    expect(await old.change('stopWatchingIfDead', null, hash)).toBe(0);
    await run(database, `UPDATE invoices SET expires_at = now() - interval '25 hours' WHERE payment_hash = $1`, [hash]);
    expect(await old.change('stopWatchingIfDead', null, hash)).toBe(1);
    expect(await old.send('findPayableInvoice', sessionId, 10_000n, 1)).toEqual([]);
    expect(await old.credit({ paymentHash: hash.toString('hex') }, 7n)).toBe('applied');
  });

  test('expires when it idles, and is removed when it was never paid', async () => {
    const unpaid = await old.openSession();
    await run(database, 'UPDATE invoices SET next_lookup_at = NULL WHERE session_id IN ($1, $2)', [
      session.sessionId,
      unpaid.sessionId,
    ]);
    await run(database, `UPDATE sessions SET used_at = now() - interval '31 days' WHERE id = $1`, [session.sessionId]);
    const idleMs = 30 * 24 * HOUR_MS;
    expect(await old.send('listIdleSessions', 'active', idleMs)).toEqual([{ id: session.sessionId }]);
    expect(await old.change('expireSession', 'expired', session.sessionId, 'active', idleMs)).toBe(1);
    expect(await old.change('expireSession', 'expired', session.sessionId, 'active', idleMs)).toBe(0);
    expect((await old.reserve(session)).answer).toMatchObject({ outcome: 'expired' });
    expect(await old.send('listDeadSessions', 'awaiting_payment')).toContainEqual({ id: unpaid.sessionId });
    expect(await old.change('removeSession', unpaid.sessionId, 'awaiting_payment')).toBe(1);
    expect(await old.change('removeSession', session.sessionId, 'awaiting_payment')).toBe(0);
  });
});

describe('leases, beside an old server,', () => {
  test('are renewed for its own turns, and a cancel reaches it', async () => {
    const turn = await old.reserve(session);
    const { requestId } = turn;
    const renew = (...requests: string[]) => old.send('renewLeases', 60_000, ...requests, old.owner, 'running');
    expect(await renew(requestId, randomUUID())).toEqual([{ id: requestId, '?column?': false }]);
    expect(await old.change('requestCancel', session.sessionId, requestId, 'running')).toBe(1);
    expect(await renew(requestId, randomUUID())).toEqual([{ id: requestId, '?column?': true }]);
    expect(await old.send('findRunningRequest', session.sessionId, 'running')).toEqual([{ id: requestId }]);
    await old.settle(turn);
    expect(await renew(requestId, randomUUID())).toEqual([]);
    expect(await old.send('findRunningRequest', session.sessionId, 'running')).toEqual([]);
  });

  test('that ran out on it are swept by the new server, and it is fenced off', async () => {
    const turn = await old.reserve(session);
    await loseLease(database, turn);
    expect(await sweepLeases(database)).toBe(1);
    expect(await old.settle(turn)).toBeUndefined();
    expect(await renewLeases(database, { owner: old.owner, leaseMs: 1000, turns: [turn] })).toEqual([]);
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 0n });
  });

  test('that ran out on the new server are swept by it, and the new one is fenced off', async () => {
    const turn = newTurn(session);
    await reserveTurn(database, turn);
    await loseLease(database, turn);
    expect(await old.send('listAbandonedRequests', 'running')).toEqual([
      { session_id: session.sessionId, id: turn.requestId },
    ]);
    expect(await old.release(turn, null)).toBe(true);
    expect(await settleTurn(database, endOf(turn))).toBeUndefined();
    expect(await releaseTurn(database, turn)).toBe(false);
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 0n });
  });
});

describe('a history, beside an old server,', () => {
  test('is read page by page, and forgotten; the charges stay', async () => {
    const { sessionId } = session;
    for (const reply of ['one', 'two']) await old.settle(await old.reserve(session), reply);
    const all = (await old.send<{ id: string }>('listMessages', sessionId, 51)).map(({ id }) => id);
    expect(all).toHaveLength(4);
    const ids = async (name: StatementName) =>
      (await old.send(name, sessionId, sessionId, all[1], 51)).map((row) => row['id']);
    expect(await ids('listMessagesAfter')).toEqual(all.slice(2));
    expect(await ids('listMessagesBefore')).toEqual(all.slice(0, 1));
    expect(await old.send('isMessageOf', sessionId, all[0])).toEqual([{ id: all[0] }]);
    await old.inTransaction(async () => {
      await old.send('lockSession', sessionId);
      expect(await old.send('findRunningRequest', sessionId, 'running')).toEqual([]);
      expect(await old.change('deleteMessages', sessionId)).toBe(4);
      expect(await old.change('resetMessageCount', 0, sessionId)).toBe(1);
    });
    expect(await getSessionHistory(sessionId, 8, 4000, database)).toEqual([]);
    expect(await old.send('listLedger', sessionId)).toHaveLength(3);
  });

  test('without payments grows by both, in order', async () => {
    const [{ id } = { id: '' }] = await old.send<{ id: string }>('insertHistorySession', 'active');
    const append = (role: string, content: string) =>
      old.inTransaction(async () => {
        await old.send('countAppendedMessage', id);
        expect(await old.send('appendMessage', id, role, content, 1, id)).toMatchObject([
          { role, content, session_request_id: null },
        ]);
      });
    await append('user', 'one');
    await run(
      database,
      `INSERT INTO session_messages (session_id, role, content, token_count) VALUES ($1, 'assistant', 'two', 1)`,
      [id],
    );
    await append('user', 'three');
    expect(await old.send('newestMessages', id, 2)).toEqual([
      { role: 'user', content: 'three', token_count: 1 },
      { role: 'assistant', content: 'two', token_count: 1 },
    ]);
    expect((await getSessionHistory(id, 8, 4000, database)).map(({ content }) => content)).toEqual([
      'one',
      'two',
      'three',
    ]);
  });
});
