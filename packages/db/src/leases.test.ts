import { randomUUID } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import {
  endOf,
  fundedSession,
  loseLease,
  newTurn,
  readSession,
  reserved,
  run,
  untilWaiting,
} from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { renewLeases, requestCancel, sweepLeases } from './leases.ts';
import { findRequest } from './requests.ts';
import { inTransaction } from './transaction.ts';
import { releaseTurn, settleTurn } from './end-turn.ts';
import { type ReserveOutcome, reserveTurn } from './reserve-turn.ts';

useDatabase();

const idempotency = { key: 'mine', bodyHash: Buffer.alloc(32, 'body'), saidHash: Buffer.alloc(32, 'said') };

const running = async (changes: Parameters<typeof reserved>[2] = {}) =>
  reserved(database, await fundedSession(database), changes);

const remainingMs = async (requestId: string) => {
  const [row] = await run<{ ms: number }>(
    database,
    `SELECT (extract(epoch FROM lease_expires_at - clock_timestamp()) * 1000)::float8 AS ms FROM session_requests WHERE id = $1`,
    [requestId],
  );
  return row!.ms;
};

describe('renewLeases', () => {
  test('prolongs what the owner still runs, and nothing else', async () => {
    const owner = randomUUID();
    const [mine, alsoMine, settled, released] = [
      await running({ owner, leaseMs: 5000 }),
      await running({ owner, leaseMs: 5000 }),
      await running({ owner }),
      await running({ owner }),
    ];
    const theirs = await running({ leaseMs: 5000 });
    await settleTurn(database, endOf(settled));
    await releaseTurn(database, released);
    const turns = [mine, settled, released, theirs];
    expect(await renewLeases(database, { owner, leaseMs: 60_000, turns })).toEqual([
      { requestId: mine.requestId, cancelRequested: false },
    ]);
    expect(await remainingMs(mine.requestId)).toBeGreaterThan(30_000);
    expect(await remainingMs(theirs.requestId)).toBeLessThan(5000);
    expect(await remainingMs(alsoMine.requestId)).toBeLessThan(5000);
  });

  test('tells when the request is to be cancelled, whoever asked for it', async () => {
    const [turn, other] = [await running(), await running()];
    await requestCancel(database, turn);
    await requestCancel(database, turn);
    await requestCancel(database, { sessionId: turn.sessionId, requestId: other.requestId });
    const renew = (one: typeof turn) => renewLeases(database, { owner: one.owner, leaseMs: 60_000, turns: [one] });
    expect(await renew(turn)).toEqual([{ requestId: turn.requestId, cancelRequested: true }]);
    expect(await renew(other)).toEqual([{ requestId: other.requestId, cancelRequested: false }]);
  });

  test('wins over a new turn that has already found the lease run out', async () => {
    const session = await fundedSession(database);
    const frozen = await reserved(database, session);
    await loseLease(database, frozen);
    let late: Promise<ReserveOutcome> | undefined;
    await inTransaction(database, async (tx) => {
      await renewLeases(tx, { owner: frozen.owner, leaseMs: 60_000, turns: [frozen] });
      late = reserveTurn(database, newTurn(session));
      await untilWaiting(database, 1);
    });
    expect(await late).toEqual({ outcome: 'busy', requestId: frozen.requestId });
  });

  test('loses what was swept, and saves what was not', async () => {
    const owner = randomUUID();
    const [swept, saved] = [await running({ owner }), await running({ owner })];
    await loseLease(database, swept);
    await sweepLeases(database);
    await loseLease(database, saved);
    const turns = [swept, saved];
    expect(await renewLeases(database, { owner, leaseMs: 60_000, turns })).toMatchObject([
      { requestId: saved.requestId },
    ]);
    expect(await sweepLeases(database)).toBe(0);
    expect(await settleTurn(database, endOf(saved))).toMatchObject({ chargedMsat: 30n });
  });

  test('of nothing is nothing', async () => {
    expect(await renewLeases(database, { owner: randomUUID(), leaseMs: 60_000, turns: [] })).toEqual([]);
  });
});

describe('a new turn', () => {
  test('ends a request whose lease ran out, and takes its place', async () => {
    const session = await fundedSession(database, 130n); // pays for one hold, not for two
    const idempotent = { idempotency };
    const abandoned = await reserved(database, session, idempotent);
    await loseLease(database, abandoned);
    const next = await reserved(database, session, idempotent);
    expect(next.answer.maxOutputTokens).toBe(100);
    expect(await findRequest(database, abandoned)).toMatchObject({ state: 'failed', chargedMsat: 0n });
    expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 125n });
    expect(await settleTurn(database, endOf(abandoned))).toBeUndefined();
  });

  test('sent again after it was ended says that it is no use', async () => {
    const turn = await reserved(database, await fundedSession(database));
    await loseLease(database, turn);
    await sweepLeases(database);
    await expect(reserveTurn(database, turn)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('is busy, or over, before it says that the session is closed', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session, { idempotency });
    await run(database, `UPDATE sessions SET status = 'closed' WHERE id = $1`, [session.sessionId]);
    const again = () => newTurn(session, { idempotency: turn.idempotency });
    expect(await reserveTurn(database, again())).toEqual({ outcome: 'busy', requestId: turn.requestId });
    await loseLease(database, turn);
    expect(await reserveTurn(database, again())).toEqual({ outcome: 'closed' });
    expect(await readSession(database, session.sessionId)).toMatchObject({ heldMsat: 0n });
  });
});

describe('sweepLeases', () => {
  test('ends exactly what ran out, charges nothing and gives the hold back', async () => {
    const [lost, alsoLost, alive, settled] = [await running(), await running(), await running(), await running()];
    await settleTurn(database, endOf(settled));
    for (const turn of [lost, alsoLost, settled]) await loseLease(database, turn);
    expect(await sweepLeases(database)).toBe(2);
    expect(await sweepLeases(database)).toBe(0);
    expect(await findRequest(database, lost)).toMatchObject({ state: 'failed', chargedMsat: 0n });
    expect(await readSession(database, lost.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 0n });
    expect(await findRequest(database, alive)).toMatchObject({ state: 'running' });
    expect(await findRequest(database, settled)).toMatchObject({ state: 'completed' });
  });
});

describe('requestCancel', () => {
  test('leaves a request that has ended alone', async () => {
    const turn = await running();
    await settleTurn(database, endOf(turn));
    const ended = await findRequest(database, turn);
    await requestCancel(database, turn);
    expect(await findRequest(database, turn)).toEqual(ended);
  });
});

test('a sweep goes on after a batch, and past a request that was ended by others', async () => {
  const abandoned = await Promise.all(Array.from({ length: 3 }, () => running()));
  const { sessionId } = abandoned[0]!;
  // A hundred and more in sessions of their own would take a while to make: one session's are as good for the sweep.
  await run(
    database,
    `WITH opened AS (INSERT INTO sessions (status) SELECT 'active' FROM generate_series(1, 150) RETURNING id)
     INSERT INTO session_requests (id, session_id, model, max_output_tokens, held_msat, history_messages, history_tokens,
       history_dropped, lease_owner, lease_expires_at)
     SELECT gen_random_uuid(), id, 'a model', 1, 0, 0, 0, 0, $1, now() - interval '1 second' FROM opened`,
    [sessionId],
  );
  for (const turn of abandoned) await loseLease(database, turn);
  expect(await sweepLeases(database)).toBe(153);
  expect(await sweepLeases(database)).toBe(0);
});

describe('turns that cost us and charged nothing', () => {
  test('are summed, and after so many within an hour no more are let in', async () => {
    const session = await fundedSession(database);
    for (const unchargedMsat of [5n, 7n]) {
      await releaseTurn(database, { ...(await reserved(database, session)), unchargedMsat });
    }
    const atMostTwo = newTurn(session, { maxUnchargedTurns: 2 });
    const refused = await reserveTurn(database, atMostTwo);
    expect(refused).toMatchObject({ outcome: 'too-many-uncharged' });
    if (refused.outcome !== 'too-many-uncharged') return;
    expect(refused.retryAfterSeconds).toBeGreaterThan(3590);
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(3600);
    expect(await run(database, 'SELECT uncharged_msat FROM sessions WHERE id = $1', [session.sessionId])).toEqual([
      { uncharged_msat: '12' },
    ]);
    await run(database, `UPDATE sessions SET uncharged_since = now() - interval '61 minutes' WHERE id = $1`, [
      session.sessionId,
    ]);
    const again = await reserved(database, session, { maxUnchargedTurns: 2 });
    await releaseTurn(database, { ...again, unchargedMsat: 1n });
    await releaseTurn(database, await reserved(database, session, { maxUnchargedTurns: 2 }));
    expect(
      await run(database, 'SELECT uncharged_msat, uncharged_turns FROM sessions WHERE id = $1', [session.sessionId]),
    ).toEqual([{ uncharged_msat: '13', uncharged_turns: 1 }]);
  });
});

test('findRequest finds a request in its own session only', async () => {
  const [mine, theirs] = [await running(), await running()];
  expect(await findRequest(database, mine)).toMatchObject({ state: 'running' });
  expect(await findRequest(database, { sessionId: theirs.sessionId, requestId: mine.requestId })).toBeUndefined();
});
