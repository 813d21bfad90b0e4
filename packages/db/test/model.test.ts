/**
 * Whatever is done, in whatever order, the database answers and keeps what the model of `model.ts` says. When a run fails,
 * fast-check prints the commands that did it, and the seed and path to have them run again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { sweepLeases } from '../src/leases.ts';
import { type Discrepancy, listDiscrepancies } from '../src/ledger.ts';
import { connect, type OpenedDatabase } from '../src/open.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { Database } from '../src/transaction.ts';
import { countDeadlocks, run } from './fixtures.ts';
import type { Model } from './model.ts';
import { openSession, pay } from './model-actions.ts';
import { type Command, one, severalAtOnce } from './model-commands.ts';

let opened: TestDatabase;
let pool: OpenedDatabase;
let database: Database;
beforeAll(async () => {
  opened = await openTestDatabase();
  pool = connect(opened.url, { poolSize: 8 });
  database = pool.db;
});
afterAll(() => opened.close());

/** Takes the sessions of earlier runs out of the way of those that look at every session. */
async function retireSessions(): Promise<void> {
  await run(database, `UPDATE session_requests SET lease_expires_at = 'epoch' WHERE state = 'running'`);
  await sweepLeases(database);
  await run(database, `UPDATE sessions SET status = 'closed' WHERE status <> 'closed'`);
}

/** Two with money: a rich one and a poor one. */
async function firstSessions(): Promise<Model> {
  const model: Model = { sessions: [] };
  for (const receivedMsat of [1500n, 100n]) {
    const open = openSession(1000n, false);
    await open.call(database);
    open.expected(model);
    const paid = pay(model.sessions.at(-1)!, 0, receivedMsat)!;
    await paid.call(database);
    paid.expected(model);
  }
  return model;
}

/** Of these sessions alone: what a broken run leaves behind must not fail the shorter ones that are tried next. */
async function discrepanciesOf({ sessions }: Model): Promise<Discrepancy[]> {
  const all = await listDiscrepancies(database);
  return all.filter(({ sessionId }) => sessions.some((session) => session.id === sessionId));
}

/** @returns what was answered to what, in all runs together */
async function expectModelHolds(command: fc.Arbitrary<Command>, maxCommands: number): Promise<string[]> {
  const answers = new Set<string>();
  const commands = fc.commands([command], { maxCommands, size: 'max' });
  const property = fc.asyncProperty(commands, async (chosen) => {
    await retireSessions();
    const model = await firstSessions();
    await fc.asyncModelRun(() => ({ model, real: { database, answers } }), chosen);
    expect(await discrepanciesOf(model)).toEqual([]);
  });
  await fc.assert(property, { numRuns: 20, unbiased: true, interruptAfterTimeLimit: 60_000 });
  return [...answers];
}

describe('the database does what the model does', { timeout: 90_000 }, () => {
  // What must have come up comes up a dozen times and more, however the commands fall out.
  test('one command after the other', async () => {
    const answers = await expectModelHolds(one, 80);
    const turns = ['start: reserved', 'start: busy', 'settle: some', 'settle: fenced-off', 'release: true'];
    const others = ['pay: applied', 'pay: replayed', 'forget: none', 'read the history: some', 'list: some'];
    expect(answers).toEqual(expect.arrayContaining([...turns, ...others]));
  });

  test('several commands at once, as if one after the other in some order', async () => {
    const answers = await expectModelHolds(fc.oneof(one, severalAtOnce), 40);
    const starts = ['reserved', 'busy', 'replay', 'mismatch', 'insufficient'].map((how) => `start, at once: ${how}`);
    const ends = ['settle, at once: some', 'settle, at once: fenced-off', 'release, at once: true'];
    const others = ['pay, at once: replayed', 'forget, at once: none', 'forget, at once: some'];
    expect(answers).toEqual(expect.arrayContaining([...starts, ...ends, ...others]));
  });

  test('without a deadlock', async () => {
    await pool.close();
    expect(await countDeadlocks(opened.db, 1)).toBe(0);
  });
});
