import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fundedSession, newInvoice, topUp } from '../test/fixtures.ts';
import { findInvoiceByKey, keyInvoice } from './invoice-keys.ts';
import { addInvoice, creditPayment, listPayableInvoices } from './invoices.ts';
import { openTestDatabase, type TestDatabase } from './testing.ts';
import type { Database } from './transaction.ts';

let opened: TestDatabase;
let database: Database;
beforeAll(async () => {
  opened = await openTestDatabase();
  database = opened.db;
});
afterAll(() => opened.close());

const add = (sessionId: string, idempotencyKey: string) =>
  addInvoice(database, sessionId, { ...newInvoice(), mostPending: 1000, idempotencyKey });

describe('a key', () => {
  test('has one invoice of its session, however many ask at once', async () => {
    const { sessionId } = await fundedSession(database);
    const added = await Promise.all(Array.from({ length: 20 }, () => add(sessionId, 'k')));
    const invoices = added.filter((invoice) => typeof invoice === 'object');
    expect([invoices.length, added.filter((outcome) => outcome === 'known').length]).toEqual([1, 19]);
    expect(await findInvoiceByKey(database, { sessionId, idempotencyKey: 'k' })).toEqual(invoices[0]);
  });

  test('has another one in another session', async () => {
    const [one, two] = [await fundedSession(database), await fundedSession(database)];
    const added = [await add(one.sessionId, 'k'), await add(two.sessionId, 'k')];
    expect(added).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
  });

  test('finds its invoice when that is paid', async () => {
    const { sessionId } = await fundedSession(database);
    const { paymentHash } = await topUp(database, sessionId, { idempotencyKey: 'k' });
    await creditPayment(database, { paymentHash, receivedMsat: 1n });
    expect(await findInvoiceByKey(database, { sessionId, idempotencyKey: 'k' })).toMatchObject({
      paymentHash,
      status: 'paid',
    });
  });

  test('is given an unpaid invoice that has none, once', async () => {
    const { sessionId } = await fundedSession(database);
    const { paymentHash } = await topUp(database, sessionId);
    const give = (idempotencyKey: string) => keyInvoice(database, { sessionId, idempotencyKey, paymentHash });
    const given = await Promise.all(['a', 'b', 'a', 'c'].map(give));
    expect(given.filter(Boolean)).toHaveLength(1);
    const [invoice] = await listPayableInvoices(database, { sessionId, limit: 1 });
    expect(invoice).toMatchObject({ paymentHash, isKeyed: true });
  });

  test('that has an invoice is given no other', async () => {
    const { sessionId } = await fundedSession(database);
    await add(sessionId, 'k');
    const { paymentHash } = await topUp(database, sessionId);
    expect(await keyInvoice(database, { sessionId, idempotencyKey: 'k', paymentHash })).toBe(false);
  });

  test('is not given a paid invoice', async () => {
    const { sessionId, paymentHash } = await fundedSession(database);
    expect(await keyInvoice(database, { sessionId, idempotencyKey: 'k', paymentHash })).toBe(false);
  });
});
