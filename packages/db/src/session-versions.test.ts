/** What watchers read: versions, and many sessions at once. */
import { randomBytes, randomUUID } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { endOf, fundedSession, reserved, run, type TestSession, topUp, unpaidSession } from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { appendMessage, forgetMessages } from './history.ts';
import { claimInvoicesToLookUp, creditPayment } from './invoices.ts';
import { findKeys, findSession, listSessions, listSessionVersions, type StoredSession } from './sessions.ts';
import { inTransaction } from './transaction.ts';
import { releaseTurn, settleTurn } from './end-turn.ts';
import { type ReserveTurn } from './reserve-turn.ts';

useDatabase();

describe('a session’s version', () => {
  const versionOf = async (sessionId: string) => (await listSessionVersions(database, [sessionId]))[0]!.version;

  test.each<[string, (session: TestSession, turn: ReserveTurn) => Promise<unknown>]>([
    [
      'a payment',
      async ({ sessionId }) => creditPayment(database, { ...(await topUp(database, sessionId)), receivedMsat: 1n }),
    ],
    ['an invoice', ({ sessionId }) => topUp(database, sessionId)],
    [
      'the beginning of a turn',
      async (session, turn) => {
        await releaseTurn(database, turn);
        return reserved(database, session);
      },
    ],
    ['the end of a turn', (_session, turn) => settleTurn(database, endOf(turn))],
    ['a turn that failed', (_session, turn) => releaseTurn(database, turn)],
    [
      'a message',
      ({ sessionId }) => inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'x' })),
    ],
    [
      'whoever writes its row',
      ({ sessionId }) => run(database, `UPDATE sessions SET status = 'expired' WHERE id = $1`, [sessionId]),
    ],
  ])('is raised by %s', async (_name, change) => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session);
    const before = await versionOf(session.sessionId);
    await change(session, turn);
    expect(await versionOf(session.sessionId)).toBeGreaterThan(before);
  });

  test('is not raised by reading, nor by looking its invoices up', async () => {
    const session = await unpaidSession(database);
    const before = await versionOf(session.sessionId);
    await findSession(database, session);
    await claimInvoicesToLookUp(database, 1000);
    expect(await versionOf(session.sessionId)).toBe(before);
  });
});

describe('the version of a session’s messages', () => {
  const versionOf = async (sessionId: string) => (await listSessions(database, [sessionId]))[0]!.messagesVersion;
  const append = ({ sessionId }: TestSession) =>
    inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'x' }));

  test.each<[string, (session: TestSession, turn: ReserveTurn) => Promise<unknown>]>([
    ['a turn that ends', (_session, turn) => settleTurn(database, endOf(turn))],
    ['a message', append],
    [
      'forgetting',
      async ({ sessionId }, turn) => {
        await releaseTurn(database, turn);
        return forgetMessages(database, sessionId);
      },
    ],
    [
      'whoever changes their number',
      ({ sessionId }) => run(database, 'UPDATE sessions SET message_count = 9 WHERE id = $1', [sessionId]),
    ],
  ])('is raised by %s, and so is that of the session', async (_name, change) => {
    const session = await fundedSession(database);
    await append(session);
    const turn = await reserved(database, session);
    const [before] = await listSessions(database, [session.sessionId]);
    await change(session, turn);
    const [after] = await listSessions(database, [session.sessionId]);
    expect(after!.messagesVersion).toBeGreaterThan(before!.messagesVersion);
    expect(after!.version).toBeGreaterThan(before!.version);
  });

  test('is not raised by money, nor by a turn that begins or fails', async () => {
    const session = await fundedSession(database);
    const before = await versionOf(session.sessionId);
    await topUp(database, session.sessionId);
    await releaseTurn(database, await reserved(database, session));
    expect(await versionOf(session.sessionId)).toBe(before);
  });
});

test('listSessions reads many as findSession reads one, and passes over one that is gone', async () => {
  const sessions = [await fundedSession(database), await unpaidSession(database)];
  const listed = await listSessions(database, [randomUUID(), ...sessions.map(({ sessionId }) => sessionId)]);
  const found = await Promise.all(sessions.map((session) => findSession(database, session)));
  const timeless = (all: readonly (StoredSession | undefined)[]) =>
    all.map((session) => ({ ...session, readAt: undefined })).toSorted((a, b) => (a.id! < b.id! ? -1 : 1));
  expect(timeless(listed)).toEqual(timeless(found));
  expect(await listSessions(database, [])).toEqual([]);
});

test('findKeys tells keys that open a session from those that do not', async () => {
  const [paid, unpaid] = [await fundedSession(database), await unpaidSession(database)];
  const found = await findKeys(database, [
    paid,
    unpaid,
    { sessionId: paid.sessionId, keyHash: randomBytes(32) },
    { sessionId: randomUUID(), keyHash: randomBytes(32) },
  ]);
  const status = (session: TestSession) => found.find(({ keyHash }) => keyHash.equals(session.keyHash))?.status;
  expect(found).toHaveLength(2);
  expect([status(paid), status(unpaid)]).toEqual(['active', 'awaiting_payment']);
});
