/**
 * A server of version 0.3.0 on a database of today, beside a server of today: what it sends, word for word, still works and
 * still means the same. Both see what the other does.
 */
import { randomBytes } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import {
  addInvoice,
  creditPayment,
  findInvoiceByKey,
  findSession,
  getSessionHistory,
  releaseTurn,
  renewLeases,
  reserveTurn,
  settleTurn,
  sweepLeases,
} from '../src/index.ts';
import { endOf, HOUR_MS, loseLease, newInvoice, newTurn, readSession, run } from './fixtures.ts';
import type { StatementName } from './old-server.ts';
import { database, old, session, useOldServer } from './use-old-server.ts';

useOldServer();

describe('a session that an old server opened', () => {
  test('is found by its key, with its newest unpaid invoice, and by no other key', async () => {
    const unpaid = await old.openSession();
    expect(await old.findSession(unpaid)).toMatchObject([
      { 0: unpaid.sessionId, 1: 'awaiting_payment', 2: '0', 7: '0', 10: 'lnbcrt', 13: 'pending' },
    ]);
    expect(await old.findSession({ ...unpaid, keyHash: randomBytes(32) })).toEqual([]);
    expect(await old.send('findKeys', [unpaid.sessionId], [unpaid.sessionId], [unpaid.keyHash])).toMatchObject([
      { session_id: unpaid.sessionId, status: 'awaiting_payment' },
    ]);
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
    const hash = await old.addInvoice(sessionId);
    expect(await old.send('listPayableInvoices', sessionId, 5)).toMatchObject([{ payment_hash: hash }]);
    expect(await old.claimDueInvoices()).toContainEqual(hash);
    expect(await old.claimDueInvoices()).not.toContainEqual(hash);
    await run(
      database,
      `UPDATE invoices SET expires_at = now() - interval '25 hours', next_lookup_at = now() WHERE payment_hash = $1`,
      [hash],
    );
    expect(await old.claimDueInvoices()).toContainEqual(hash);
    const [row] = await run(database, 'SELECT next_lookup_at FROM invoices WHERE payment_hash = $1', [hash]);
    expect(row).toEqual({ next_lookup_at: null });
    expect(await old.credit({ paymentHash: hash.toString('hex') }, 7n)).toBe('applied');
  });

  test('has room for as many invoices as the old server says, whichever of them has a key', async () => {
    const { sessionId } = session;
    const invoice = newInvoice();
    await addInvoice(database, sessionId, { ...invoice, mostPending: 5, idempotencyKey: 'k' });
    const expiresAt = new Date(Date.now() + HOUR_MS);
    const add = (most: number) =>
      old.send('addInvoice', sessionId, randomBytes(32), 'lnbcrt', 1000n, expiresAt, most, null);
    expect(await add(1)).toEqual([{ outcome: 'too-many' }]);
    expect(await add(2)).toEqual([{ outcome: 'added' }]);
  });

  test('has one invoice for a key, whichever server it was asked for at', async () => {
    const { sessionId } = session;
    const { paymentHash, ...invoice } = newInvoice();
    const addOnNew = (idempotencyKey: string) =>
      addInvoice(database, sessionId, { ...newInvoice(), mostPending: 5, idempotencyKey });
    await addInvoice(database, sessionId, { ...invoice, paymentHash, mostPending: 5, idempotencyKey: 'new' });
    const again = [sessionId, randomBytes(32), 'lnbcrt', 10_000n, invoice.expiresAt, 1000, 'new'];
    expect(await old.send('addInvoice', ...again)).toEqual([{ outcome: 'known' }]);
    expect(await old.sendForLists('findInvoiceByKey', sessionId, 'new')).toMatchObject([
      { 0: Buffer.from(paymentHash, 'hex'), 1: 'lnbcrt', 2: '10000', 4: 'pending' },
    ]);
    const onOld = await old.addInvoice(sessionId, 'old');
    expect(await addOnNew('old')).toBe('known');
    const unkeyed = await old.addInvoice(sessionId);
    expect(await old.send('keyInvoice', sessionId, unkeyed, 'old')).toEqual([{ keyed: false }]);
    expect(await old.send('keyInvoice', sessionId, unkeyed, 'later')).toEqual([{ keyed: true }]);
    expect(await addOnNew('later')).toBe('known');
    const payable = await old.sendForLists('listPayableInvoices', sessionId, 5);
    expect(payable.map(([, , , , , , isKeyed]) => isKeyed)).toEqual([true, true, true]);
    for (const [idempotencyKey, hash] of [['old', onOld] as const, ['later', unkeyed] as const]) {
      expect(await findInvoiceByKey(database, { sessionId, idempotencyKey })).toMatchObject({
        paymentHash: hash.toString('hex'),
        status: 'pending',
      });
    }
  });

  test('is seen to change by an old server’s readers, and so are its messages', async () => {
    const { sessionId } = session;
    const listed = async () => (await old.sendForLists('listSessions', 1, [sessionId]))[0]!;
    const messagesBefore = Number((await listed())[7]);
    const [before] = await old.send('listSessionVersions', [sessionId]);
    const turn = newTurn(session);
    await reserveTurn(database, turn);
    await settleTurn(database, endOf(turn));
    const [after] = await old.send('listSessionVersions', [sessionId]);
    expect(Number(after!['version'])).toBeGreaterThan(Number(before!['version']));
    expect(await listed()).toMatchObject({ 0: sessionId, 1: 'active' });
    expect(Number((await listed())[7])).toBeGreaterThan(messagesBefore);
  });

  test('expires when it idles, and is removed when it was never paid', async () => {
    const unpaid = await old.openSession();
    await run(database, 'UPDATE invoices SET next_lookup_at = NULL WHERE session_id IN ($1, $2)', [
      session.sessionId,
      unpaid.sessionId,
    ]);
    await run(database, `UPDATE sessions SET used_at = now() - interval '31 days' WHERE id = $1`, [session.sessionId]);
    const idleMs = 30 * 24 * HOUR_MS;
    const start = ['-infinity', '00000000-0000-0000-0000-000000000000'];
    expect(await old.send('listIdleSessions', idleMs, ...start, 100)).toMatchObject([{ id: session.sessionId }]);
    expect(await old.send('expireSession', session.sessionId, idleMs)).toEqual([{ done: true }]);
    expect(await old.send('expireSession', session.sessionId, idleMs)).toEqual([{ done: false }]);
    expect((await old.reserve(session)).answer).toMatchObject({ outcome: 'expired' });
    const listed = await old.send('listUnpaidSessions', ...start, 100);
    expect(listed.map(({ id }) => id)).toContain(unpaid.sessionId);
    expect(await old.send('removeUnpaidSession', unpaid.sessionId)).toEqual([{ done: true }]);
    expect(await old.send('removeUnpaidSession', session.sessionId)).toEqual([{ done: false }]);
  });
});

describe('leases, beside an old server,', () => {
  test('are renewed for its own turns, and a cancel reaches it', async () => {
    const turn = await old.reserve(session);
    const { requestId } = turn;
    const renew = () => old.send('renewLeases', 60_000, session.sessionId, requestId, old.owner);
    expect(await renew()).toEqual([{ id: requestId, '?column?': false }]);
    expect(await old.change('requestCancel', session.sessionId, requestId)).toBe(1);
    expect(await renew()).toEqual([{ id: requestId, '?column?': true }]);
    const another = await old.reserve(await old.fundedSession());
    const ids = [turn.sessionId, another.sessionId, requestId, another.requestId];
    const both = await old.send('renewTwoLeases', 60_000, ...ids, old.owner);
    expect(both.map(({ id }) => id)).toEqual(expect.arrayContaining([requestId, another.requestId]));
    await old.release(another);
    await old.settle(turn);
    expect(await renew()).toEqual([]);
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
    expect(await old.send('listAbandonedRequests', 100)).toEqual([
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
    const newest = await old.send<{ id: string }>('listNewestMessages', sessionId, 51);
    expect(newest.map(({ id }) => id)).toEqual(all.toReversed());
    expect(await old.send('isMessageOf', sessionId, all[0])).toEqual([{ id: all[0] }]);
    const before = await readSession(database, sessionId);
    expect(await old.send('forgetMessages', sessionId)).toMatchObject([{ outcome: 'forgotten' }]);
    expect((await readSession(database, sessionId)).messagesVersion).toBeGreaterThan(before.messagesVersion);
    expect(await getSessionHistory(sessionId, 8, 4000, database)).toEqual([]);
    expect(await old.send('listLedger', sessionId)).toHaveLength(3);
  });

  test('without payments grows by both, in order', async () => {
    const [{ id } = { id: '' }] = await old.send<{ id: string }>('insertHistorySession', 'active');
    const append = (role: string, content: string) =>
      old.inTransaction(async () => {
        expect(await old.send('countAppendedMessage', id)).toEqual([{ id }]);
        expect(await old.send('appendMessage', role, content, 1, id, id)).toMatchObject([
          { role, content, session_request_id: null },
        ]);
      });
    await append('user', 'one');
    await run(
      database,
      `INSERT INTO session_messages (session_id, role, content, token_count) VALUES ($1, 'assistant', 'two', 1)`,
      [id],
    );
    const before = await readSession(database, id);
    await append('user', 'three');
    expect((await readSession(database, id)).messagesVersion).toBeGreaterThan(before.messagesVersion);
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
