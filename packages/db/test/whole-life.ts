/** Everything that this package does with a session, once, and what it must come to. */
import { expect, vi } from 'vitest';

import { closeDefaultDatabase } from '../src/default-database.ts';
import { appendMessage, getSessionHistory, listMessages } from '../src/history.ts';
import { claimInvoicesToLookUp, creditPayment } from '../src/invoices.ts';
import { renewLeases, sweepLeases } from '../src/leases.ts';
import { listLedger } from '../src/ledger.ts';
import { createHistorySession, expireIdleSessions, findSession } from '../src/sessions.ts';
import { type Database, inTransaction } from '../src/transaction.ts';
import { expectBalancedBooks, HOUR_MS, loseLease, reserved, say, type TestSession, unpaidSession } from './fixtures.ts';

const NEAR_MS = 600_000;
const expectNow = (...times: Date[]) => {
  for (const time of times) expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(NEAR_MS);
};

export const WORDS = ['grüß – 你好 🙂', String.raw`a \ 'b' \n "c"`, 'two', 'three'];

/** Opened, paid, used, cut off, expired. @returns what was said, which is `WORDS` */
export async function liveThrough(db: Database): Promise<string[]> {
  const expiresAt = new Date(Date.now() + HOUR_MS);
  const session = await unpaidSession(db, { expiresAt });
  expect(await findSession(db, session)).toMatchObject({ status: 'awaiting_payment', invoice: { expiresAt } });
  expect(await claimInvoicesToLookUp(db, 10)).toEqual([session.paymentHash]);
  expect(await claimInvoicesToLookUp(db, 10)).toEqual([]);
  const payment = { paymentHash: session.paymentHash, receivedMsat: 10_000n };
  expect(await creditPayment(db, payment)).toBe('applied');
  expect(await creditPayment(db, payment)).toBe('replayed');

  const settled = await say(db, session, WORDS[0]!, WORDS[1]!);
  expectNow(settled.createdAt, settled.finishedAt, settled.reply!.createdAt);
  await cutOff(db, session);
  await say(db, session, WORDS[2]!, WORDS[3]!);
  const said = await readForwardAndBack(db, session);

  expect(await expireIdleSessions(db, 0)).toBe(1);
  const expired = (await findSession(db, session))!;
  expect(expired).toMatchObject({ status: 'expired', balanceMsat: 9940n, heldMsat: 0n });
  expectNow(expired.createdAt, expired.usedAt);
  expect((await listLedger(db, session.sessionId)).map(({ amountMsat }) => amountMsat)).toEqual([10_000n, -30n, -30n]);
  await expectBalancedBooks(db);
  return said;
}

async function cutOff(db: Database, session: TestSession): Promise<void> {
  const turn = await reserved(db, session, { leaseMs: HOUR_MS });
  const lease = { owner: turn.owner, leaseMs: HOUR_MS, turns: [turn] };
  expect(await sweepLeases(db)).toBe(0);
  expect(await renewLeases(db, lease)).toMatchObject([{ requestId: turn.requestId }]);
  await loseLease(db, turn);
  expect(await sweepLeases(db)).toBe(1);
  expect(await renewLeases(db, lease)).toEqual([]);
}

async function readForwardAndBack(db: Database, { sessionId }: TestSession): Promise<string[]> {
  const walk = async (order: 'asc' | 'desc') => {
    const said: string[] = [];
    let after: string | undefined;
    let more = true;
    while (more) {
      // oxlint-disable-next-line no-await-in-loop -- each page starts behind the one before
      const page = await listMessages(db, { sessionId, limit: 1, order, after });
      expectNow(...page!.messages.map(({ createdAt }) => createdAt));
      said.push(...page!.messages.map(({ content }) => content));
      after = page!.messages.at(-1)?.id;
      more = page!.hasMore;
    }
    return said;
  };
  const forward = await walk('asc');
  expect((await walk('desc')).toReversed()).toEqual(forward);
  return forward;
}

/** Without turns, eight writers at once, and read by way of `DATABASE_URL`. @returns the last word, and how many were there */
export async function rememberAlone(db: Database, url: string): Promise<[string | undefined, number]> {
  const sessionId = await createHistorySession(db);
  const append = (content: string) =>
    inTransaction(db, (tx) => appendMessage(tx, { sessionId, role: 'user', content }));
  await Promise.all(Array.from({ length: 8 }, (_, index) => append(`word ${index}`)));
  await append('the last word');
  vi.stubEnv('DATABASE_URL', url);
  const history = await getSessionHistory(sessionId, 9);
  await closeDefaultDatabase();
  vi.unstubAllEnvs();
  return [history.at(-1)?.content, new Set(history.map(({ content }) => content)).size];
}
