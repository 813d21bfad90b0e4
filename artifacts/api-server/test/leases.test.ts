import { randomUUID } from 'node:crypto';

import type { TurnAnswer } from '@timmy-tower/contract';
import { reserveTurn, sweepLeases } from '@timmy-tower/db';
import { openTestDatabase } from '@timmy-tower/db/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { hashSessionKey } from '../src/sessions/session-key.ts';
import { openTestApp, type TestApp, type TestSession, until } from './harness.ts';
import { cancel, messagesOf, never, openBeside, runningIn, script, server, useServer } from './scripted-server.ts';

useServer();
afterEach(() => void vi.useRealTimers());

describe('a running request', () => {
  test('keeps its lease for as long as it runs', async () => {
    const short = await openBeside({ leaseMs: 5000 });
    const session = await short.fund();
    const gate = Promise.withResolvers<void>();
    script.when('slow', { deltas: [gate.promise, 'done'] });
    const asked = session.ask('slow');
    const requestId = await runningIn(session);
    const leaseOf = async () => {
      const rows = await server.query<{ at: Date }>(
        'SELECT lease_expires_at AS at FROM session_requests WHERE id = $1',
        [requestId],
      );
      return rows[0]!.at.getTime();
    };
    const first = await leaseOf();
    await until(async () => {
      await sweepLeases(server.deps.db);
      return (await leaseOf()) > first + 1500;
    });
    gate.resolve();
    expect((await asked).status).toBe(200);
    await short.close();
  });

  test('keeps it while every other connection waits for a stuck lock, and settles', async () => {
    const database = await openTestDatabase();
    const crowded = await openTestApp({ agent: script.agent, database, leaseMs: 5000 });
    const [session, stuck] = [await crowded.fund(), await crowded.fund()];
    const gate = Promise.withResolvers<void>();
    script.when('slow', { deltas: ['done', gate.promise] });
    const asked = session.ask('slow');
    await until(async () => (await session.show()).heldMsat > 0);

    const { $client: pool } = database.db;
    const lock = `SELECT FROM sessions WHERE id = '${stuck.id}' FOR UPDATE`;
    const holder = await pool.connect();
    await holder.query(`BEGIN; ${lock}`);
    const waiting = Array.from({ length: 20 }, () => pool.query(lock));
    await until(() => pool.waitingCount > 0);
    const { leaseDb } = database;
    const leaseEnd = async () => {
      const { rows } = await leaseDb.$client.query<{ at: Date }>(
        `SELECT lease_expires_at AS at FROM session_requests WHERE state = 'running'`,
      );
      return rows[0]?.at.getTime() ?? 0;
    };
    const first = await leaseEnd();
    await until(async () => {
      expect(await sweepLeases(leaseDb)).toBe(0);
      return (await leaseEnd()) > first + 1500;
    });
    await holder.query('ROLLBACK');
    holder.release();
    await Promise.all(waiting);
    gate.resolve();
    expect((await asked).status).toBe(200);
    await crowded.close();
    await database.close();
  });

  test('whose server is gone is swept: failed, nothing charged, its hold back and its key free', async () => {
    const session = await server.fund(100);
    const requestId = await abandonedTurn(session);
    expect((await session.show()).heldMsat).toBeGreaterThan(0);
    await until(async () => {
      await sweepLeases(server.deps.db);
      return (await session.call<TurnAnswer>(`/requests/${requestId}`)).body.request.state === 'failed';
    });
    expect(await session.show()).toMatchObject({ balanceMsat: 100_000, heldMsat: 0 });
    expect(await messagesOf(session)).toEqual([]);
    expect((await session.call(`/requests/${requestId}`)).body).toMatchObject({
      request: { chargedMsat: 0 },
      reply: null,
    });
    expect((await session.ask('hello', { idempotencyKey: 'k' })).status).toBe(200);
  });

  test('whose server is gone is swept by a server as it starts', async () => {
    const before = await openTestApp({ watch: false });
    const session = await before.fund(100);
    const requestId = await abandonedTurn(session, before);
    const started = await openTestApp({ database: before.database, wallet: before.wallet });
    await until(async () => (await session.call<TurnAnswer>(`/requests/${requestId}`)).body.request.state === 'failed');
    expect((await session.show()).heldMsat).toBe(0);
    await started.close();
    await before.close();
  });

  test('whose server is gone can be cancelled, and charges nothing', async () => {
    const session = await server.fund(100);
    const requestId = await abandonedTurn(session);
    const { status, body } = await cancel(session, requestId);
    expect([status, body.request.state, body.request.chargedMsat]).toEqual([200, 'failed', 0]);
    expect(await session.show()).toMatchObject({ balanceMsat: 100_000, heldMsat: 0 });
  });

  test('that lost its lease cannot write its turn any more', async () => {
    const session = await server.fund(100);
    const gate = Promise.withResolvers<void>();
    script.when('frozen', { deltas: ['Once', gate.promise, ' upon'], ignoreSignal: true });
    const asked = session.ask('frozen');
    const requestId = await runningIn(session);
    await until(async () => {
      // Each time: its server may just have renewed it.
      await server.query("UPDATE session_requests SET lease_expires_at = now() - interval '1 second' WHERE id = $1", [
        requestId,
      ]);
      await sweepLeases(server.deps.db);
      return (await session.call<TurnAnswer>(`/requests/${requestId}`)).body.request.state === 'failed';
    });
    expect((await session.ask('someone else')).status).toBe(200);
    const before = await session.show();
    gate.resolve();
    const { status, body } = await asked;
    expect(status).toBeGreaterThanOrEqual(500);
    expect(['agent-failed', 'unavailable']).toContain(body.code);
    expect(await session.show()).toEqual({ ...before, expiresAt: expect.any(String) });
    expect((await messagesOf(session)).map(({ content }) => content)).toEqual(['someone else', 'Said: someone else']);
  });

  test('at shutdown gets until the deadline, then fails and charges nothing', async () => {
    const stopping = await openBeside();
    const [quick, slow] = await Promise.all([stopping.fund(100), stopping.fund(100)]);
    const gate = Promise.withResolvers<void>();
    script.when('quick', { deltas: ['Once', gate.promise] });
    script.when('slow', { deltas: ['Once', never] });
    const asked = [quick.ask('quick'), slow.ask('slow')] as const;
    await Promise.all([runningIn(quick), runningIn(slow)]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const closed = stopping.deps.runningTurns.close(1000);
    gate.resolve();
    const done = await asked[0];
    await vi.advanceTimersByTimeAsync(1000);
    await closed;
    const failed = await asked[1];
    vi.useRealTimers();
    expect(done).toMatchObject({ status: 200, body: { request: { state: 'completed' } } });
    expect(failed.status).toBe(503);
    expect(await server.call(`/sessions/${slow.id}`, { key: slow.key })).toMatchObject({
      body: { balanceMsat: 100_000, heldMsat: 0 },
    });
    await stopping.close();
  });
});

describe('an idle session', () => {
  test('expires, keeping its balance, unless an invoice is pending or a request runs', async () => {
    const [idle, used, pending, running] = await Promise.all(Array.from({ length: 4 }, () => server.fund(100)));
    await pending!.call('/topup', { json: { amountSats: 10 } });
    const gate = Promise.withResolvers<void>();
    script.when('slow', { deltas: [gate.promise, 'done'] });
    const asked = running!.ask('slow');
    await runningIn(running!);
    await server.query("UPDATE sessions SET used_at = now() - interval '31 days' WHERE id = ANY($1)", [
      [idle!.id, pending!.id, running!.id],
    ]);
    const started = await openBeside();
    await until(async () => (await idle!.show()).status === 'expired');
    expect((await idle!.show()).balanceMsat).toBe(100_000);
    for (const session of [used!, pending!, running!]) expect((await session.show()).status).toBe('active');
    gate.resolve();
    expect((await asked).status).toBe(200);
    await started.close();
  });
});

/** A turn in the books of a server that is no more. */
async function abandonedTurn({ id: sessionId, key }: TestSession, at: TestApp = server): Promise<string> {
  const requestId = randomUUID();
  const { outcome } = await reserveTurn(at.deps.db, {
    sessionId,
    requestId,
    keyHash: hashSessionKey(key),
    model: 'scripted',
    owner: randomUUID(),
    leaseMs: 1,
    ownTokens: 10,
    ...server.deps.prices,
    maxOutputTokens: 100,
    minOutputTokens: 64,
    history: { maxMessages: 8, tokenBudget: 4000 },
    maxUnchargedTurns: 20,
  });
  expect(outcome).toBe('reserved');
  return requestId;
}
