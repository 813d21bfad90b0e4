/** Many at once, on a real database: what one row's lock, the unique keys and the fences have to hold together. */
import { randomUUID } from 'node:crypto';

import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';

import { appendMessage, forgetMessages, listMessages } from '../src/history.ts';
import { creditPayment } from '../src/invoices.ts';
import { sweepLeases } from '../src/leases.ts';
import { connect } from '../src/open.ts';
import { findRequest } from '../src/requests.ts';
import { type Database, inTransaction, lockSession } from '../src/transaction.ts';
import { releaseTurn, settleTurn } from '../src/end-turn.ts';
import { type ReserveTurn, reserveTurn } from '../src/reserve-turn.ts';
import {
  countDeadlocks,
  endOf,
  expectBalancedBooks,
  fundedSession,
  loseLease,
  newTurn,
  readSession,
  reserved,
  run,
  say,
  type TestSession,
  topUp,
  untilWaiting,
  chargesOf,
} from './fixtures.ts';
import { database, opened, useDatabase } from './use-database.ts';

useDatabase({ poolSize: 20 });

const atOnce = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const times = (count: number, value: string) => Array.from({ length: count }, () => value);
const outcomesOf = (answers: { outcome: string }[]) => answers.map((answer) => answer.outcome).toSorted();

/** What two connections that work on one row must not be: one after the other by chance. */
const withWarmPool = () => atOnce(20, () => run(database, 'SELECT pg_sleep(0.01)'));

describe('at once', () => {
  test('ten turns in ten sessions all go through', async () => {
    const sessions = await atOnce(10, () => fundedSession(database, 1000n));
    const settled = await atOnce(10, async (index) => {
      const turn = await reserved(database, sessions[index]!);
      return settleTurn(database, endOf(turn));
    });
    expect(settled.map((turn) => turn?.balanceMsat)).toEqual(Array.from({ length: 10 }, () => 970n));
    await expectBalancedBooks(database);
  });

  test('twenty requests in one conversation: one is let in, the others are told which', async () => {
    await withWarmPool();
    const session = await fundedSession(database, 1_000_000n);
    const answers = await atOnce(20, () => reserveTurn(database, newTurn(session)));
    expect(outcomesOf(answers)).toEqual([...times(19, 'busy'), 'reserved']);
    const [running] = await run<{ id: string }>(database, 'SELECT id FROM session_requests WHERE session_id = $1', [
      session.sessionId,
    ]);
    const told = answers.flatMap((answer) => (answer.outcome === 'busy' ? [answer.requestId] : []));
    expect(new Set(told)).toEqual(new Set([running!.id]));
    await expectBalancedBooks(database);
  });

  test('twenty requests with one idempotency key: one runs, and one charge is made', async () => {
    await withWarmPool();
    const session = await fundedSession(database, 1_000_000n);
    const idempotency = { key: 'mine', bodyHash: Buffer.alloc(32), saidHash: Buffer.alloc(32) };
    const answers = await atOnce(20, async () => {
      const turn = newTurn(session, { idempotency });
      const answer = await reserveTurn(database, turn);
      if (answer.outcome === 'reserved') await settleTurn(database, endOf(turn));
      return answer;
    });
    const others = outcomesOf(answers).filter((outcome) => outcome !== 'busy' && outcome !== 'replay');
    expect(others).toEqual(['reserved']);
    expect(await chargesOf(database, session.sessionId)).toHaveLength(1);
  });

  test('one lost answer asked for twenty times: one request, one hold', async () => {
    await withWarmPool();
    const session = await fundedSession(database, 1_000_000n);
    const turn = newTurn(session);
    const answers = await atOnce(20, () => reserveTurn(database, turn));
    expect(outcomesOf(answers)).toEqual(times(20, 'reserved'));
    expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 125n });
  });

  test('ten servers that settle one turn charge it once, and all get the same answer', async () => {
    await withWarmPool();
    const session = await fundedSession(database);
    const turn = await reserved(database, session);
    const answers = await atOnce(10, () => settleTurn(database, endOf(turn)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ chargedMsat: 30n });
    expect(await chargesOf(database, session.sessionId)).toHaveLength(1);
    expect(await readSession(database, session.sessionId)).toMatchObject({ messageCount: 2, heldMsat: 0n });
  });

  test.each([
    ['release', (turn: ReserveTurn) => releaseTurn(database, turn)],
    ['sweep', async () => (await sweepLeases(database)) === 1],
  ] as const)('settle and %s: exactly one wins, and the books agree with it', async (_what, end) => {
    await withWarmPool();
    const wins = { settled: 0, ended: 0 };
    for (let round = 0; round < 30; round++) {
      const session = await fundedSession(database, 1000n);
      const turn = await reserved(database, session);
      await loseLease(database, turn);
      const settle = () => settleTurn(database, endOf(turn));
      const [ended, settled] =
        round % 2 === 0
          ? await Promise.all([end(turn), settle()])
          : (await Promise.all([settle(), end(turn)])).toReversed();
      expect(ended).toBe(!settled);
      wins[settled ? 'settled' : 'ended'] += 1;
      const balanceMsat = settled ? 970n : 1000n;
      expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat, heldMsat: 0n });
      expect(await findRequest(database, turn)).toMatchObject({ state: settled ? 'completed' : 'failed', balanceMsat });
    }
    await expectBalancedBooks(database);
  });

  test('twenty that find one abandoned request: it is released once, and one takes its place', async () => {
    await withWarmPool();
    const session = await fundedSession(database, 130n);
    await loseLease(database, await reserved(database, session));
    const answers = await atOnce(20, () => reserveTurn(database, newTurn(session)));
    expect(outcomesOf(answers)).toEqual([...times(19, 'busy'), 'reserved']);
    expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 125n });
    await expectBalancedBooks(database);
  });
});

describe('the session’s row is locked before anything else of the session', () => {
  const writers: [string, (turn: ReserveTurn, paymentHash: string) => Promise<unknown>][] = [
    ['reserveTurn', (turn) => reserveTurn(database, { ...turn, requestId: randomUUID() })],
    ['settleTurn', (turn) => settleTurn(database, endOf(turn))],
    ['releaseTurn', (turn) => releaseTurn(database, turn)],
    ['sweepLeases', () => sweepLeases(database)],
    ['creditPayment', (_turn, paymentHash) => creditPayment(database, { paymentHash, receivedMsat: 1n })],
    ['addInvoice', ({ sessionId }) => topUp(database, sessionId)],
    ['forgetMessages', ({ sessionId }) => forgetMessages(database, sessionId)],
    [
      'appendMessage',
      ({ sessionId }) =>
        inTransaction(database, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'hello' })),
    ],
  ];

  test.each(writers)('by %s', async (_name, write) => {
    const session = await fundedSession(database);
    await say(database, session, 'hello', 'hello');
    const { paymentHash } = await topUp(database, session.sessionId);
    const turn = await reserved(database, session);
    await loseLease(database, turn);
    let writing: Promise<unknown> | undefined;
    await inTransaction(database, async (tx) => {
      await lockSession(tx, session.sessionId);
      writing = write(turn, paymentHash);
      await untilWaiting(database, 1);
      for (const table of ['invoices', 'session_requests', 'session_messages']) {
        const rows = await tx.execute(
          sql`SELECT FROM ${sql.identifier(table)} WHERE session_id = ${session.sessionId} FOR UPDATE NOWAIT`,
        );
        expect(rows.rowCount).toBeGreaterThan(0);
      }
    });
    await writing;
    await expectBalancedBooks(database);
  });
});

describe('twenty workers that do everything at once in three sessions', () => {
  const WORKERS = 20;
  const ROUNDS = 30;
  /** The first session is never made to forget: nothing of it may be missing in the end. */
  let sessions: TestSession[] = [];
  const finished: { sessionId: string; requestId: string }[] = [];
  let creditedMsat = 0n;

  const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)]!;

  async function converse(db: Database, session: TestSession): Promise<void> {
    const turn = newTurn(session);
    if ((await reserveTurn(db, turn)).outcome !== 'reserved') return;
    const fate = Math.random();
    if (fate < 0.15) await loseLease(db, turn);
    if (fate < 0.3 && fate > 0.2) await releaseTurn(db, turn);
    const copies = fate > 0.7 ? 3 : 1;
    const answers = await atOnce(copies, () => settleTurn(db, endOf(turn)));
    if (answers[0]) finished.push(turn);
    // Not their replies: these may be forgotten in between.
    const charges = new Set(answers.map((answer) => `${answer?.finishedAt.getTime()}: ${answer?.balanceMsat}`));
    expect(charges.size).toBe(1);
  }

  async function pay(db: Database, { sessionId }: TestSession): Promise<void> {
    const { paymentHash } = await topUp(db, sessionId);
    const outcomes = await atOnce(3, () => creditPayment(db, { paymentHash, receivedMsat: 200n }));
    expect(outcomes.toSorted()).toEqual(['applied', 'replayed', 'replayed']);
    creditedMsat += 200n;
  }

  const append = (db: Database, { sessionId }: TestSession) =>
    inTransaction(db, async (tx) => {
      await appendMessage(tx, { sessionId, role: 'user', content: 'appended' });
      await appendMessage(tx, { sessionId, role: 'assistant', content: 'appended' });
    });

  const steps: readonly ((db: Database, session: TestSession) => Promise<unknown>)[] = [
    converse,
    converse,
    converse,
    converse,
    pay,
    append,
    (db, session) => (session === sessions[0] ? append(db, session) : forgetMessages(db, session.sessionId)),
    (db) => sweepLeases(db),
  ];

  const allMessages = async (sessionId: string) => {
    const page = await listMessages(database, { sessionId, limit: 10_000, order: 'asc' });
    return page!.messages;
  };

  beforeAll(async () => {
    sessions = await atOnce(3, () => fundedSession(database, 2000n));
    const { db, close } = connect(opened.url, { poolSize: WORKERS });
    await atOnce(WORKERS, async () => {
      for (let round = 0; round < ROUNDS; round++) await oneOf(steps)(db, oneOf(sessions));
    });
    await close();
  });

  test('do something at all', () => {
    expect(finished.length).toBeGreaterThan(20);
  });

  test('leave balanced books: every deposit and every charge once, and no hold', async () => {
    await expectBalancedBooks(database);
    const ids = sessions.map((session) => session.sessionId);
    const balances = await Promise.all(ids.map((id) => readSession(database, id)));
    const balanceMsat = balances.reduce((sum, session) => sum + session.balanceMsat, 0n);
    const charges = (await Promise.all(ids.map((sessionId) => chargesOf(database, sessionId)))).flat();
    const chargedMsat = charges.reduce((sum, entry) => sum - entry.amountMsat, 0n);
    expect(balanceMsat).toBe(6000n + creditedMsat - chargedMsat);
    const charged = charges.map((entry) => String(entry.sessionRequestId));
    expect(charged.toSorted()).toEqual(finished.map((turn) => turn.requestId).toSorted());
    await sweepLeases(database);
    for (const id of ids) expect(await readSession(database, id)).toMatchObject({ heldMsat: 0n });
  });

  test('leave conversations in which user and assistant take turns, each pair of one request', async () => {
    for (const { sessionId } of sessions) {
      const messages = await allMessages(sessionId);
      expect(messages.map((message) => message.role)).toEqual(
        messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
      );
      const partners = messages.map((_, index) => messages[index % 2 === 0 ? index + 1 : index - 1]!.sessionRequestId);
      expect(messages.map((message) => message.sessionRequestId)).toEqual(partners);
      expect(messages.length).toBe((await readSession(database, sessionId)).messageCount);
    }
  });

  test('leave both messages of every finished request where nothing was forgotten', async () => {
    const { sessionId } = sessions[0]!;
    const ofRequests = (await allMessages(sessionId)).flatMap((message) => message.sessionRequestId ?? []);
    const expected = finished
      .filter((turn) => turn.sessionId === sessionId)
      .flatMap(({ requestId }) => [requestId, requestId]);
    expect(ofRequests.toSorted()).toEqual(expected.toSorted());
  });

  test('meet no deadlock', async () => {
    expect(await countDeadlocks(database, 20)).toBe(0);
  });
});

test('an owner that was fenced off cannot settle the turn that took its place', async () => {
  const session = await fundedSession(database);
  const frozen = await reserved(database, session);
  await loseLease(database, frozen);
  const next = await reserved(database, session, { owner: randomUUID() });
  expect(await settleTurn(database, endOf(frozen, { requestId: next.requestId }))).toBeUndefined();
  expect(await settleTurn(database, endOf(next))).toMatchObject({ chargedMsat: 30n });
});
