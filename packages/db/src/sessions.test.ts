import { randomBytes, randomUUID } from 'node:crypto';

import { afterEach, describe, expect, test } from 'vitest';

import {
  DAY_MS,
  fundedSession,
  giveUp,
  idle,
  loseLease,
  newInvoice,
  readSession,
  reserved,
  run,
  say,
  topUp,
  unpaidSession,
  untilWaiting,
  messagesOf,
} from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { appendMessage, forgetMessages } from './history.ts';
import { creditPayment } from './invoices.ts';
import { findRequest } from './requests.ts';
import {
  createHistorySession,
  expireIdleSessions,
  findSession,
  insertSession,
  removeUnpaidSessions,
} from './sessions.ts';
import { inTransaction, lockSession } from './transaction.ts';
import { releaseTurn } from './end-turn.ts';

useDatabase();
afterEach(async () => {
  // Nothing for the next test's sweep.
  await run(database, `UPDATE sessions SET status = 'closed'`);
});

const statusOf = async (sessionId: string) => (await readSession(database, sessionId)).status;
const dead = { expiresAt: new Date(Date.now() - 2 * DAY_MS) };

describe('a new session', () => {
  test('awaits its payment, with its invoice', async () => {
    const id = randomUUID();
    const [keyHash, invoice] = [randomBytes(32), newInvoice()];
    const inserted = await insertSession(database, { id, keyHash, invoice });
    expect(inserted).toMatchObject({ id, status: 'awaiting_payment', balanceMsat: 0n, heldMsat: 0n });
    expect(inserted.invoice).toEqual({ ...invoice, status: 'pending' });
    const { readAt: _, ...stored } = inserted;
    expect(await findSession(database, { sessionId: id, keyHash })).toMatchObject(stored);
  });

  test('leaves nothing behind when its invoice is refused', async () => {
    const { paymentHash } = await unpaidSession(database);
    const id = randomUUID();
    const session = { id, keyHash: randomBytes(32), invoice: newInvoice({ paymentHash }) };
    await expect(insertSession(database, session)).rejects.toMatchObject({ cause: { constraint: 'invoices_pkey' } });
    expect(await readSession(database, id)).toBeUndefined();
  });
});

describe('findSession', () => {
  test('needs a key of this very session', async () => {
    const [mine, theirs] = [await fundedSession(database), await fundedSession(database)];
    expect(await findSession(database, mine)).toMatchObject({ id: mine.sessionId, balanceMsat: 10_000n });
    expect(await findSession(database, { ...mine, keyHash: randomBytes(32) })).toBeUndefined();
    expect(await findSession(database, { ...mine, keyHash: theirs.keyHash })).toBeUndefined();
    expect(await findSession(database, { ...mine, sessionId: randomUUID() })).toBeUndefined();
  });

  test('takes each of several keys, and shows the newest unpaid invoice', async () => {
    const session = await fundedSession(database);
    const second = randomBytes(32);
    await run(database, 'INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [session.sessionId, second]);
    await topUp(database, session.sessionId);
    const newest = await topUp(database, session.sessionId);
    for (const keyHash of [session.keyHash, second]) {
      expect(await findSession(database, { ...session, keyHash })).toMatchObject({
        invoice: { ...newest, status: 'pending' },
      });
    }
  });
});

describe('expireIdleSessions', () => {
  test('expires a session that was not used, and leaves its balance', async () => {
    const [old, recent] = [await fundedSession(database), await fundedSession(database)];
    await idle(database, old.sessionId);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(1);
    expect(await readSession(database, old.sessionId)).toMatchObject({ status: 'expired', balanceMsat: 10_000n });
    expect(await statusOf(recent.sessionId)).toBe('active');
    expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
  });

  test('spares a session that runs a request, until that has ended', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session);
    await idle(database, session.sessionId);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
    await releaseTurn(database, turn);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(1);
  });

  test('spares a session with an invoice that could still be paid', async () => {
    const session = await fundedSession(database);
    const { paymentHash } = await topUp(database, session.sessionId, dead);
    await idle(database, session.sessionId);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
    await giveUp(database, paymentHash);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(1);
  });

  test.each([
    ['request', (session) => reserved(database, session).then((turn) => releaseTurn(database, turn))],
    ['reply', (session) => say(database, session, 'hello', 'hello')],
    [
      'payment',
      async ({ sessionId }) => {
        const invoice = await topUp(database, sessionId);
        await creditPayment(database, { ...invoice, receivedMsat: 1n });
      },
    ],
    [
      'message',
      ({ sessionId }) =>
        inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'hello' })),
    ],
  ] as [string, (session: Awaited<ReturnType<typeof fundedSession>>) => Promise<unknown>][])(
    'counts idleness from the last %s',
    async (_what, use) => {
      const session = await fundedSession(database);
      await idle(database, session.sessionId);
      await use(session);
      expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
    },
  );

  test('counts idleness from the end of a long request', async () => {
    const session = await fundedSession(database);
    await run(
      database,
      `CREATE FUNCTION make_idle() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN UPDATE sessions SET used_at = now() - interval '2 days' WHERE id = NEW.session_id; RETURN NULL; END $$`,
    );
    await run(
      database,
      `CREATE TRIGGER make_idle AFTER INSERT ON session_messages FOR EACH ROW EXECUTE FUNCTION make_idle()`,
    );
    await say(database, session, 'hello', 'hello'); // idle since it was reserved; settling it makes it used
    await run(database, `DROP FUNCTION make_idle CASCADE`);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
  });

  test('leaves sessions that are not active', async () => {
    const [unpaid, closed] = [await unpaidSession(database, dead), await fundedSession(database)];
    await run(database, `UPDATE sessions SET status = 'closed' WHERE id = $1`, [closed.sessionId]);
    await run(database, `UPDATE invoices SET next_lookup_at = NULL`);
    await run(database, `UPDATE sessions SET used_at = now() - interval '2 days'`);
    expect(await expireIdleSessions(database, DAY_MS)).toBe(0);
    expect(await statusOf(unpaid.sessionId)).toBe('awaiting_payment');
    expect(await statusOf(closed.sessionId)).toBe('closed');
  });

  test('looks again under the session’s lock: a turn that came in between keeps it active', async () => {
    const session = await fundedSession(database);
    await idle(database, session.sessionId);
    let expiring: Promise<number> | undefined;
    await inTransaction(database, async (tx) => {
      await lockSession(tx, session.sessionId);
      expiring = expireIdleSessions(database, DAY_MS);
      await untilWaiting(database, 1);
      await appendMessage(tx, { ...session, role: 'user', content: 'still here' });
    });
    expect(await expiring).toBe(0);
    expect(await statusOf(session.sessionId)).toBe('active');
  });
});

describe('removeUnpaidSessions', () => {
  test('removes a session that was never paid once its invoices are given up, with all its rows', async () => {
    const session = await unpaidSession(database, dead);
    expect(await removeUnpaidSessions(database)).toBe(0);
    const { paymentHash } = await topUp(database, session.sessionId, dead);
    await giveUp(database, session.paymentHash);
    expect(await removeUnpaidSessions(database)).toBe(0);
    await giveUp(database, paymentHash);
    expect(await removeUnpaidSessions(database)).toBe(1);
    for (const table of ['session_keys WHERE session_id', 'invoices WHERE session_id', 'sessions WHERE id']) {
      expect(await run(database, `SELECT FROM ${table} = $1`, [session.sessionId])).toEqual([]);
    }
  });

  test('never removes a session that money moved in, even one that is spent', async () => {
    const funded = await fundedSession(database);
    const spent = await fundedSession(database, 100n);
    const turn = await say(database, spent, 'hello', 'hello');
    expect(turn.chargedMsat).toBeGreaterThan(0n);
    await run(database, `UPDATE sessions SET status = 'expired' WHERE id = $1`, [spent.sessionId]);
    expect(await removeUnpaidSessions(database)).toBe(0);
    expect(await readSession(database, funded.sessionId)).toBeDefined();
    expect(await readSession(database, spent.sessionId)).toBeDefined();
  });

  test('looks again under the session’s lock: a payment that came in between saves it', async () => {
    const session = await unpaidSession(database, dead);
    await giveUp(database, session.paymentHash);
    let removing: Promise<number> | undefined;
    await inTransaction(database, async (tx) => {
      await lockSession(tx, session.sessionId);
      removing = removeUnpaidSessions(database);
      await untilWaiting(database, 1);
      expect(await creditPayment(tx, { ...session, receivedMsat: 5n })).toBe('applied');
    });
    expect(await removing).toBe(0);
    expect(await readSession(database, session.sessionId)).toMatchObject({ status: 'active', balanceMsat: 5n });
  });

  test('looks again under the session’s lock: an invoice that came in between saves it', async () => {
    const session = await unpaidSession(database, dead);
    await giveUp(database, session.paymentHash);
    let removing: Promise<number> | undefined;
    await inTransaction(database, async (tx) => {
      await lockSession(tx, session.sessionId);
      removing = removeUnpaidSessions(database);
      await untilWaiting(database, 1);
      await topUp(tx, session.sessionId);
    });
    expect(await removing).toBe(0);
    expect(await statusOf(session.sessionId)).toBe('awaiting_payment');
  });

  test('leaves a session of those who keep histories without payments', async () => {
    const sessionId = await createHistorySession(database);
    await inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'kept' }));
    expect(await removeUnpaidSessions(database)).toBe(0);
    expect(await messagesOf(database, sessionId)).toHaveLength(1);
  });
});

describe('forgetMessages', () => {
  test('leaves balance, requests and charges, and waits for a running turn', async () => {
    const session = await fundedSession(database, 10_000n);
    const { requestId } = await say(database, session, 'one', 'two');
    const turn = await reserved(database, session);
    expect(await forgetMessages(database, session.sessionId)).toEqual({ busyWith: turn.requestId });
    expect(await messagesOf(database, session.sessionId)).toHaveLength(2);
    await loseLease(database, turn);
    expect(await forgetMessages(database, session.sessionId)).toEqual({});
    expect(await findRequest(database, { ...session, requestId })).toMatchObject({ chargedMsat: 30n, reply: null });
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 9970n, messageCount: 0 });
    expect((await reserved(database, session)).answer.shown).toMatchObject({ messages: 0, tokens: 0, dropped: 0 });
  });

  test('of one session leaves the others', async () => {
    const [one, two] = [await fundedSession(database), await fundedSession(database)];
    for (const session of [one, two]) await say(database, session, 'hello', 'hello');
    await forgetMessages(database, one.sessionId);
    expect(await messagesOf(database, two.sessionId)).toHaveLength(2);
    await inTransaction(database, (tx) => appendMessage(tx, { ...one, role: 'user', content: 'again' }));
    expect((await readSession(database, one.sessionId)).messageCount).toBe(1);
  });
});

test('a session whose messages are all it has can be deleted, with them', async () => {
  const sessionId = await createHistorySession(database);
  await inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'gone' }));
  await run(database, 'DELETE FROM sessions WHERE id = $1', [sessionId]);
  expect(await run(database, 'SELECT FROM session_messages WHERE session_id = $1', [sessionId])).toEqual([]);
});
