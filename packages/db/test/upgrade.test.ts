/**
 * A database that an earlier version left, opened by this code: everything is as it was, and goes on. What is said here holds for
 * any later version too: it is about what people see, not about columns.
 */
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import journal from '../migrations/meta/_journal.json' with { type: 'json' };
import {
  appendMessage,
  claimInvoicesToLookUp,
  creditPayment,
  type Database,
  expireIdleSessions,
  findRequest,
  forgetMessages,
  getSessionHistory,
  inTransaction,
  listDiscrepancies,
  listLedger,
  listMessages,
  openDatabase,
  removeUnpaidSessions,
  sweepLeases,
} from '../src/index.ts';
import {
  type OldAnswers,
  type OldSession,
  oldVersions,
  openOldDatabase,
  openTestDatabase,
  type TestDatabase,
  type UnmigratedDatabase,
} from '../src/testing.ts';
import { giveUp, DAY_MS, readSession, run } from './fixtures.ts';
import { firstMigrations, onDatabase, versionsIn } from './migrations.ts';

/** How many each had. */
const migrationsOf = { '0.1.0': 3, '0.2.0': 5, '0.3.0': 6 } as const;

describe.each(oldVersions)('a database that version %s left', (version) => {
  /** Upgraded once, and left at that: what is done to it is done to copies. */
  let old: UnmigratedDatabase & { answers: OldAnswers };
  let copy: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    old = await openOldDatabase(version);
    const opened = await openDatabase(old.url);
    await opened.close();
  });
  afterAll(() => old.close());

  async function openCopy(): Promise<void> {
    copy = await openTestDatabase({}, old.url);
    database = copy.db;
  }
  async function closeCopy(): Promise<void> {
    const discrepancies = await listDiscrepancies(database);
    await copy.close();
    assert.deepEqual(discrepancies, []);
  }

  const scene = (name: string): OldSession => old.answers.sessions[name]!;
  const idOf = (name: string) => scene(name).session.id;
  const sessions = () => Object.entries(old.answers.sessions);
  const said = (messages: readonly { role: string; content: string }[]) =>
    messages.map(({ role, content }) => ({ role, content }));

  describe('after the upgrade', () => {
    beforeAll(openCopy);
    afterAll(closeCopy);

    test('every session has its status, its balance and what is held of it', async () => {
      for (const [name, { session }] of sessions()) {
        const { status, balanceMsat, heldMsat } = await readSession(database, session.id);
        expect([name, status, Number(balanceMsat), Number(heldMsat)]).toEqual([
          name,
          session.status,
          session.balanceMsat,
          session.heldMsat,
        ]);
      }
    });

    test('every balance is what its ledger comes to: a deposit for each payment, a charge for each turn', async () => {
      for (const [name, { session, turns }] of sessions()) {
        const ledger = await listLedger(database, session.id);
        const charges = turns.map(({ answer }) => answer.request.chargedMsat).filter(Boolean);
        expect([name, ledger.reduce((sum, { amountMsat }) => sum + Number(amountMsat), 0)]).toEqual([
          name,
          session.balanceMsat,
        ]);
        const charged = ledger.filter(({ kind }) => kind === 'charge').map(({ amountMsat }) => -Number(amountMsat));
        expect([name, charged]).toEqual([name, charges]);
      }
    });

    test('every conversation is in its order, forwards and backwards', async () => {
      const conversations = [
        ...sessions().map(([, { session, messages }]) => ({ sessionId: session.id, messages })),
        ...Object.values(old.answers.histories),
      ];
      for (const { sessionId, messages } of conversations) {
        const ids = messages.map(({ id }) => id);
        expect(await walk(sessionId, 'asc')).toEqual(ids);
        expect(await walk(sessionId, 'desc')).toEqual(ids.toReversed());
      }
    });

    /** Page by page, two at a time. */
    async function walk(sessionId: string, order: 'asc' | 'desc'): Promise<string[]> {
      const ids: string[] = [];
      let hasMore = true;
      while (hasMore) {
        // oxlint-disable-next-line no-await-in-loop -- each page starts behind the one before
        const page = await listMessages(database, { sessionId, order, limit: 2, after: ids.at(-1) });
        ids.push(...page!.messages.map(({ id }) => id));
        ({ hasMore } = page!);
      }
      return ids;
    }

    test('every history is what it was, within its bounds', async () => {
      for (const { sessionId, messages } of Object.values(old.answers.histories)) {
        expect(await getSessionHistory(sessionId, 100, 4000, database)).toEqual(said(messages));
        expect(await getSessionHistory(sessionId, 2, 4000, database)).toEqual(said(messages.slice(-2)));
      }
      const { session, messages } = scene('talkative');
      expect(await getSessionHistory(session.id, 8, 4000, database)).toEqual(said(messages));
      expect(await getSessionHistory(session.id, 8, 5, database)).toEqual(said(messages.slice(-2)));
    });

    test('every message links to its request, and every request to its reply', async () => {
      for (const [, { session, messages, turns }] of sessions()) {
        const page = await listMessages(database, { sessionId: session.id, order: 'asc', limit: 200 });
        expect(page!.messages.map((message) => message.sessionRequestId)).toEqual(
          messages.map((m) => m.sessionRequestId),
        );
        for (const { answer } of turns) {
          const { state, incompleteReason, ...request } = (await findRequest(database, {
            sessionId: session.id,
            requestId: answer.request.id,
          }))!;
          expect([state, incompleteReason ?? undefined]).toEqual([
            answer.request.state,
            answer.request.incompleteReason,
          ]);
          expect(Number(request.balanceMsat)).toBe(answer.balanceMsat);
          expect(request.shown).toMatchObject(answer.history);
          expect(request.reply?.id).toBe(answer.reply?.id);
        }
      }
    });

    test('a forgotten conversation stays forgotten, and its charges stay', async () => {
      const page = await listMessages(database, { sessionId: idOf('forgotten'), order: 'asc', limit: 10 });
      expect(page).toEqual({ messages: [], hasMore: false });
      expect((await listLedger(database, idOf('forgotten'))).map(({ kind }) => kind)).toEqual([
        'deposit',
        'charge',
        'charge',
      ]);
      const secrets = await run(database, `SELECT FROM session_messages WHERE content IN ('My secret', 'Forget it')`);
      expect(secrets).toEqual([]);
    });
  });

  describe('it goes on', () => {
    beforeEach(openCopy);
    afterEach(closeCopy);

    test('a history grows at its end, by appendMessage and by a plain INSERT', async () => {
      for (const { sessionId, messages } of Object.values(old.answers.histories)) {
        await inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'appended' }));
        await run(
          database,
          `INSERT INTO session_messages (session_id, role, content) VALUES ($1, 'assistant', 'inserted')`,
          [sessionId],
        );
        const history = await getSessionHistory(sessionId, 100, 4000, database);
        expect(history.map(({ content }) => content)).toEqual([
          ...messages.map(({ content }) => content),
          'appended',
          'inserted',
        ]);
      }
    });

    test.each(['unpaid', 'unpaidTooLate'])(
      'an invoice that was not paid is paid and credited once: %s',
      async (name) => {
        const { paymentHash } = scene(name).invoices[0]!;
        expect(await claimInvoicesToLookUp(database, 100)).toContain(paymentHash);
        const outcomes = await Promise.all(
          [1, 2, 3].map(() => creditPayment(database, { paymentHash, receivedMsat: 100_000n })),
        );
        expect(outcomes.toSorted()).toEqual(['applied', 'replayed', 'replayed']);
        expect(await readSession(database, idOf(name))).toMatchObject({ status: 'active', balanceMsat: 100_000n });
      },
    );

    test('a payment that was credited is not credited again', async () => {
      for (const name of ['talkative', 'idle', 'closed']) {
        const { invoices, session } = scene(name);
        const { paymentHash } = invoices[0]!;
        expect(await creditPayment(database, { paymentHash, receivedMsat: 1n })).toBe('replayed');
        expect(await readSession(database, session.id)).toMatchObject({ balanceMsat: BigInt(session.balanceMsat) });
      }
    });

    test('the dead server’s turn is swept: it failed, nothing is charged, nothing is held', async () => {
      const { session, turns } = scene('dying');
      expect(await sweepLeases(database)).toBe(1);
      expect(await sweepLeases(database)).toBe(0);
      const turn = { sessionId: session.id, requestId: turns.at(-1)!.answer.request.id };
      expect(await findRequest(database, turn)).toMatchObject({ state: 'failed', chargedMsat: 0n, reply: null });
      expect(await readSession(database, session.id)).toMatchObject({
        balanceMsat: BigInt(session.balanceMsat),
        heldMsat: 0n,
      });
    });

    test('an idle session that expired is revived by a payment', async () => {
      const paymentHash = 'ab'.repeat(32);
      await run(
        database,
        `INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, expires_at) VALUES (decode($1, 'hex'), $2, '', 1000, now())`,
        [paymentHash, idOf('idle')],
      );
      expect(await creditPayment(database, { paymentHash, receivedMsat: 1000n })).toBe('applied');
      expect(await readSession(database, idOf('idle'))).toMatchObject({ status: 'active' });
    });

    test('what idles expires with its balance, and what was never paid goes, but no session with a pending invoice', async () => {
      const { paymentHash } = scene('unpaidTooLate').invoices[0]!;
      await run(
        database,
        `UPDATE invoices SET expires_at = expires_at - interval '2 days' WHERE payment_hash = decode($1, 'hex')`,
        [paymentHash],
      );
      await giveUp(database, paymentHash);
      expect(await removeUnpaidSessions(database)).toBe(1);
      expect(await readSession(database, idOf('unpaidTooLate'))).toBeUndefined();
      expect(await readSession(database, idOf('unpaid'))).toMatchObject({ status: 'awaiting_payment' });
      await run(database, `UPDATE sessions SET used_at = now() - interval '31 days' WHERE status = 'active'`);
      await run(database, `UPDATE invoices SET next_lookup_at = NULL WHERE session_id = $1`, [idOf('blank')]);
      await expireIdleSessions(database, 30 * DAY_MS);
      expect(await readSession(database, idOf('blank'))).toMatchObject({
        status: 'expired',
        balanceMsat: BigInt(scene('blank').session.balanceMsat),
      });
      expect(await readSession(database, idOf('talkative'))).toMatchObject({ status: 'active' });
    });

    test('a conversation can be forgotten; that of a server that died, too', async () => {
      for (const name of ['stopped', 'dying']) {
        expect(await forgetMessages(database, idOf(name))).toEqual({});
        expect(await getSessionHistory(idOf(name), 100, 4000, database)).toEqual([]);
      }
      const { session, messages } = scene('talkative');
      expect(await getSessionHistory(session.id, 100, 4000, database)).toEqual(said(messages));
    });
  });

  describe('the migrations', () => {
    test('are taken over from where it wrote them down, and only what is new is applied', async () => {
      const applied = await versionsIn(old.url);
      expect(applied).toHaveLength(journal.entries.length);
      expect(applied.filter((by) => by === version)).toHaveLength(migrationsOf[version]);
      expect(applied.slice(migrationsOf[version])).not.toContain(version);
    });

    test('are the same when four servers upgrade at once, or one again', async () => {
      const another = await openOldDatabase(version);
      const four = await Promise.all([1, 2, 3, 4].map(() => openDatabase(another.url)));
      await Promise.all(four.map(({ close }) => close()));
      expect(await versionsIn(another.url)).toEqual(await versionsIn(old.url));
      const again = await openDatabase(another.url);
      await again.close();
      expect(await versionsIn(another.url)).toEqual(await versionsIn(old.url));
      await another.close();
    });
  });
});

describe('the migrations of version 0.1.0', () => {
  test('are taken over where drizzle-kit made the table and got no further', async () => {
    const another = await openOldDatabase('0.1.0');
    await onDatabase(
      another.url,
      'CREATE TABLE timmy_tower_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)',
    );
    const opened = await openDatabase(another.url);
    expect(await versionsIn(another.url)).toHaveLength(journal.entries.length);
    await opened.close();
    await another.close();
  });

  test('let a server of version 0.1.0 start again', async () => {
    await using first = await firstMigrations(migrationsOf['0.1.0']);
    const old = await openOldDatabase('0.1.0');
    const opened = await openDatabase(old.url);
    const client = new pg.Client({ connectionString: old.url });
    await client.connect();
    await client.query('SELECT pg_advisory_lock(7466900001)');
    await expect(migrate(drizzle(client), first)).resolves.toBeUndefined();
    await client.end();
    expect(await onDatabase(old.url, 'SELECT FROM drizzle.__drizzle_migrations')).toHaveLength(3);
    await opened.close();
    await old.close();
  });
});
