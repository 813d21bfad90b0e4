import { randomBytes, randomUUID } from 'node:crypto';

import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';

import {
  DAY_MS,
  fundedSession,
  HOUR_MS,
  giveUp,
  newInvoice,
  readSession,
  run,
  topUp,
  unpaidSession,
  unwatchAll,
} from '../test/fixtures.ts';
import { database, opened, useDatabase } from '../test/use-database.ts';
import {
  addInvoice,
  claimInvoicesToLookUp,
  creditPayment,
  listPayableInvoices,
  listWatchedInvoices,
  type NewSessionInvoice,
  type WatchedInvoice,
} from './invoices.ts';
import { listLedger } from './ledger.ts';
import { connect } from './open.ts';
import { invoices } from './schema.ts';
import { findSession } from './sessions.ts';

useDatabase({ poolSize: 20 });

const invoiceOf = async (paymentHash: string) => {
  const hash = Buffer.from(paymentHash, 'hex');
  const [row] = await database.select().from(invoices).where(eq(invoices.paymentHash, hash));
  return row!;
};
const setStatus = (sessionId: string, status: string) =>
  run(database, 'UPDATE sessions SET status = $1 WHERE id = $2', [status, sessionId]);

describe('creditPayment', () => {
  test('credits what was received, not what was asked, and makes the session active', async () => {
    const session = await unpaidSession(database, { amountMsat: 10_000n });
    expect(await creditPayment(database, { ...session, receivedMsat: 10_007n })).toBe('applied');
    expect(await readSession(database, session.sessionId)).toMatchObject({ status: 'active', balanceMsat: 10_007n });
    expect(await listLedger(database, session.sessionId)).toMatchObject([{ kind: 'deposit', amountMsat: 10_007n }]);
    expect(await invoiceOf(session.paymentHash)).toMatchObject({
      amountMsat: 10_000n,
      receivedMsat: 10_007n,
      paidAt: expect.any(Date),
      nextLookupAt: null,
    });
  });

  test('credits a payment that is pushed twice once', async () => {
    const session = await unpaidSession(database);
    expect(await creditPayment(database, { ...session, receivedMsat: 5n })).toBe('applied');
    expect(await creditPayment(database, { ...session, receivedMsat: 6n })).toBe('replayed');
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 5n });
    expect(await invoiceOf(session.paymentHash)).toMatchObject({ receivedMsat: 5n });
  });

  test('credits a payment that is reported twenty times at once once', async () => {
    const session = await unpaidSession(database);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => creditPayment(database, { ...session, receivedMsat: 5n })),
    );
    expect(outcomes.toSorted()).toEqual(['applied', ...Array.from({ length: 19 }, () => 'replayed')]);
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 5n });
  });

  test('credits a payment that comes after the invoice expired, and revives the session', async () => {
    const session = await fundedSession(database, 100n);
    const late = newInvoice({ expiresAt: new Date(Date.now() - 2 * DAY_MS) });
    await topUp(database, session.sessionId, late);
    await giveUp(database, late.paymentHash);
    await setStatus(session.sessionId, 'expired');
    const before = await readSession(database, session.sessionId);
    expect(await creditPayment(database, { paymentHash: late.paymentHash, receivedMsat: 50n })).toBe('applied');
    const after = await readSession(database, session.sessionId);
    expect(after).toMatchObject({ status: 'active', balanceMsat: 150n });
    expect(after.usedAt.getTime()).toBeGreaterThanOrEqual(before.usedAt.getTime());
  });

  test('keeps a closed session closed, with the money in it', async () => {
    const session = await unpaidSession(database);
    await setStatus(session.sessionId, 'closed');
    expect(await creditPayment(database, { ...session, receivedMsat: 5n })).toBe('applied');
    expect(await readSession(database, session.sessionId)).toMatchObject({ status: 'closed', balanceMsat: 5n });
  });

  test('knows a payment of others', async () => {
    const paymentHash = randomBytes(32).toString('hex');
    expect(await creditPayment(database, { paymentHash, receivedMsat: 5n })).toBe('foreign');
  });

  test('refuses a payment of nothing, and can be asked again', async () => {
    const session = await unpaidSession(database);
    await expect(creditPayment(database, { ...session, receivedMsat: 0n })).rejects.toMatchObject({
      cause: { constraint: 'ledger_entries_sign' },
    });
    expect(await readSession(database, session.sessionId)).toMatchObject({ status: 'awaiting_payment' });
    expect(await creditPayment(database, { ...session, receivedMsat: 5n })).toBe('applied');
  });
});

describe('addInvoice', () => {
  const limited = (changes: Partial<NewSessionInvoice> = {}) => ({ ...newInvoice(changes), mostPending: 3 });

  test('refuses a payment hash that any session has', async () => {
    const [one, two] = [await fundedSession(database), await fundedSession(database)];
    const taken = addInvoice(database, two.sessionId, limited({ paymentHash: one.paymentHash }));
    await expect(taken).rejects.toMatchObject({ cause: { constraint: 'invoices_pkey' } });
  });

  test('knows no session that does not exist', async () => {
    expect(await addInvoice(database, randomUUID(), limited())).toBeUndefined();
  });

  test('of twenty at once adds as many as may be pending, and more once one is paid or has expired', async () => {
    const { sessionId } = await fundedSession(database);
    await topUp(database, sessionId, { expiresAt: new Date(Date.now() - 1) });
    const added = await Promise.all(Array.from({ length: 20 }, () => addInvoice(database, sessionId, limited())));
    const pending = added.filter((invoice) => typeof invoice === 'object');
    expect(pending).toHaveLength(3);
    await creditPayment(database, { ...pending[1]!, receivedMsat: 5n });
    expect(await addInvoice(database, sessionId, limited())).toMatchObject({ status: 'pending' });
    expect(await addInvoice(database, sessionId, limited())).toBeUndefined();
  });
});

describe('listPayableInvoices', () => {
  test('gives the newest first, none that is paid or has expired, and how long each can still be paid', async () => {
    const { sessionId } = await fundedSession(database);
    const list = async (limit: number) => listPayableInvoices(database, { sessionId, limit });
    expect(await list(5)).toEqual([]); // its first is paid
    const older = await topUp(database, sessionId);
    const newest = await topUp(database, sessionId);
    await topUp(database, sessionId, { expiresAt: new Date(Date.now() - 1) });
    const listed = await list(5);
    expect(listed.map(({ paymentHash }) => paymentHash)).toEqual([newest.paymentHash, older.paymentHash]);
    for (const { leftMs } of listed) expect(Math.abs(leftMs - HOUR_MS)).toBeLessThan(60_000);
    expect(await list(2)).toMatchObject([newest]);
  });

  test('gives no invoice of another session', async () => {
    await unpaidSession(database);
    const { sessionId } = await fundedSession(database);
    expect(await listPayableInvoices(database, { sessionId, limit: 5 })).toEqual([]);
  });
});

describe('the newest unpaid invoice of a session', () => {
  test('tells when it has expired, and goes when it is paid', async () => {
    const expired = await unpaidSession(database, { expiresAt: new Date(Date.now() - 1) });
    expect(await findSession(database, expired)).toMatchObject({ invoice: { status: 'expired' } });
    await creditPayment(database, { ...expired, receivedMsat: 5n });
    expect((await findSession(database, expired))!.invoice).toBeUndefined();
  });
});

describe('claimInvoicesToLookUp', () => {
  test('gives servers that claim at once different invoices, each once', async () => {
    await unwatchAll(database);
    const { sessionId } = await fundedSession(database);
    const added = Array.from({ length: 60 }, () => newInvoice());
    await Promise.all(added.map((invoice) => topUp(database, sessionId, invoice)));
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimInvoicesToLookUp(database, 5)));
    for (const claim of claims) expect(claim.length).toBeLessThanOrEqual(5);
    const claimed = claims.flat();
    claimed.push(...(await claimInvoicesToLookUp(database, 100))); // what was passed over because others looked at it
    expect(claimed.toSorted()).toEqual(added.map((invoice) => invoice.paymentHash).toSorted());
  });

  test.each([
    ['5 seconds', 10],
    ['2 minutes', 30],
    ['10 minutes', 120],
    ['2 hours', 600],
  ])('asks again for an invoice that is %s old in %i seconds', async (age, seconds) => {
    await unwatchAll(database);
    const { paymentHash } = await unpaidSession(database);
    await run(database, `UPDATE invoices SET created_at = now() - $1::interval WHERE next_lookup_at IS NOT NULL`, [
      age,
    ]);
    expect(await claimInvoicesToLookUp(database, 10)).toEqual([paymentHash]);
    expect(await claimInvoicesToLookUp(database, 10)).toEqual([]);
    const [row] = await run<{ seconds: number }>(
      database,
      `SELECT extract(epoch FROM next_lookup_at - now())::float8 AS seconds FROM invoices WHERE next_lookup_at IS NOT NULL`,
    );
    expect(row!.seconds).toBeGreaterThan(seconds - 5);
    expect(row!.seconds).toBeLessThanOrEqual(seconds);
  });

  test('takes those first that became due last: the youngest', async () => {
    await unwatchAll(database);
    const sessions = [await unpaidSession(database), await unpaidSession(database), await unpaidSession(database)];
    const [first, second, third] = sessions.map(({ paymentHash }) => paymentHash);
    await run(database, `UPDATE invoices SET next_lookup_at = now() - interval '1 hour' WHERE payment_hash = $1`, [
      Buffer.from(second!, 'hex'),
    ]);
    expect(await claimInvoicesToLookUp(database, 1)).toEqual([third]);
    expect(await claimInvoicesToLookUp(database, 1)).toEqual([first]);
    expect(await claimInvoicesToLookUp(database, 1)).toEqual([second]);
  });

  test('gives an invoice up a day after it expired, with a last look, and not before', async () => {
    await unwatchAll(database);
    const ago = (ms: number) => ({ expiresAt: new Date(Date.now() - ms) });
    const young = await unpaidSession(database, ago(DAY_MS - HOUR_MS));
    const old = await unpaidSession(database, ago(DAY_MS + HOUR_MS));
    expect((await claimInvoicesToLookUp(database, 10)).toSorted()).toEqual(
      [young.paymentHash, old.paymentHash].toSorted(),
    );
    expect(await listWatchedInvoices(database, { limit: 10 })).toMatchObject([{ paymentHash: young.paymentHash }]);
  });

  test('may be called while others credit', async () => {
    const { sessionId } = await fundedSession(database);
    const added = Array.from({ length: 30 }, () => newInvoice());
    for (const invoice of added) await topUp(database, sessionId, invoice);
    const other = connect(opened.url);
    await Promise.all([
      ...Array.from({ length: 10 }, () => claimInvoicesToLookUp(other.db, 10)),
      ...added.map(({ paymentHash }) => creditPayment(database, { paymentHash, receivedMsat: 1n })),
    ]);
    await other.close();
    expect(await readSession(database, sessionId)).toMatchObject({ balanceMsat: 10_030n });
  });
});

test('listWatchedInvoices walks all that are watched, due or not, newest first, and none that is paid', async () => {
  await unwatchAll(database);
  const sessions = [await unpaidSession(database), await unpaidSession(database), await unpaidSession(database)];
  await fundedSession(database);
  await claimInvoicesToLookUp(database, 10);
  await run(database, 'UPDATE invoices SET created_at = $1 WHERE next_lookup_at IS NOT NULL', [new Date()]); // ties
  const seen: string[] = [];
  let after: WatchedInvoice | undefined;
  do {
    [after] = await listWatchedInvoices(database, { after, limit: 1 });
    if (after) seen.push(after.paymentHash);
  } while (after);
  expect(seen).toEqual(
    sessions
      .map(({ paymentHash }) => paymentHash)
      .toSorted()
      .toReversed(),
  );
});
