/** Somebody holds a row and does not let go: what sees to many rows in the background sees to the others. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  DAY_MS,
  fundedSession,
  giveUp,
  idle,
  loseLease,
  readSession,
  reserved,
  unpaidSession,
  unwatchAll,
} from '../test/fixtures.ts';
import { claimInvoicesToLookUp } from './invoices.ts';
import { sweepLeases } from './leases.ts';
import { connect, type OpenedDatabase } from './open.ts';
import { expireIdleSessions, removeUnpaidSessions } from './sessions.ts';
import { openTestDatabase, type TestDatabase } from './testing.ts';

let opened: TestDatabase;
let impatient: OpenedDatabase;
let holder: pg.PoolClient;
beforeAll(async () => {
  opened = await openTestDatabase();
  const options = encodeURIComponent('-c lock_timeout=100ms');
  impatient = connect(`${opened.url}?options=${options}`);
  holder = await opened.db.$client.connect();
});
afterAll(async () => {
  holder.release();
  await impatient.close();
  await opened.close();
});

async function whileLocked<T>(row: string, run: () => Promise<T>): Promise<T> {
  await holder.query(`BEGIN; SELECT FROM ${row} FOR UPDATE`);
  try {
    return await run();
  } finally {
    await holder.query('ROLLBACK');
  }
}

const lockedSession = ({ sessionId }: { sessionId: string }) => `sessions WHERE id = '${sessionId}'`;

test('the sweep of leases', async () => {
  const [stuck, other] = [await fundedSession(opened.db), await fundedSession(opened.db)];
  for (const session of [stuck, other]) await loseLease(opened.db, await reserved(opened.db, session));
  expect(await whileLocked(lockedSession(stuck), () => sweepLeases(impatient.db))).toBe(1);
  expect(await readSession(opened.db, other.sessionId)).toMatchObject({ heldMsat: 0n });
  expect(await sweepLeases(impatient.db)).toBe(1);
});

test('the expiry of idle sessions', async () => {
  const [stuck, other] = [await fundedSession(opened.db), await fundedSession(opened.db)];
  for (const { sessionId } of [stuck, other]) await idle(opened.db, sessionId);
  expect(await whileLocked(lockedSession(stuck), () => expireIdleSessions(impatient.db, DAY_MS))).toBe(1);
  expect(await expireIdleSessions(impatient.db, DAY_MS)).toBe(1);
});

test('the removal of unpaid sessions', async () => {
  const dead = { expiresAt: new Date(Date.now() - 2 * DAY_MS) };
  const [stuck, other] = [await unpaidSession(opened.db, dead), await unpaidSession(opened.db, dead)];
  for (const { paymentHash } of [stuck, other]) await giveUp(opened.db, paymentHash);
  expect(await whileLocked(lockedSession(stuck), () => removeUnpaidSessions(impatient.db))).toBe(1);
  expect(await removeUnpaidSessions(impatient.db)).toBe(1);
});

test('the claims of invoices to look up', async () => {
  await unwatchAll(opened.db);
  const [stuck, other] = [await unpaidSession(opened.db), await unpaidSession(opened.db)];
  const row = `invoices WHERE session_id = '${stuck.sessionId}'`;
  expect(await whileLocked(row, () => claimInvoicesToLookUp(impatient.db, 10))).toEqual([other.paymentHash]);
  expect(await claimInvoicesToLookUp(impatient.db, 10)).toEqual([stuck.paymentHash]);
});
