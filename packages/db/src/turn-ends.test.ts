/** How a turn ends: settled once, or given back; all or nothing. */
import { randomUUID } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import {
  endOf,
  fundedSession,
  loseLease,
  readSession,
  reserved,
  say,
  chargesOf,
  messagesOf,
} from '../test/fixtures.ts';
import { database, useDatabase } from '../test/use-database.ts';
import { sweepLeases } from './leases.ts';
import { findRequest } from './requests.ts';
import type { Database } from './transaction.ts';
import { releaseTurn, settleTurn } from './end-turn.ts';

useDatabase();

describe('settleTurn', () => {
  test('charges no more than the hold', async () => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    expect(await settleTurn(database, endOf(turn, { chargeMsat: 126n }))).toMatchObject({
      chargedMsat: 125n,
      balanceMsat: 9875n,
    });
  });

  test('sent again answers the same and charges once', async () => {
    const session = await fundedSession(database);
    const turn = await reserved(database, session);
    const settled = await settleTurn(database, endOf(turn));
    expect(await settleTurn(database, endOf(turn))).toEqual(settled);
    await say(database, session, 'three', 'four');
    expect(await settleTurn(database, endOf(turn))).toEqual(settled);
    expect(await chargesOf(database, session.sessionId)).toHaveLength(2);
    expect(await messagesOf(database, session.sessionId)).toHaveLength(4);
  });

  test.each([
    ['another server', async () => undefined, { owner: randomUUID() }],
    ['its own server after it was released', releaseTurn, {}],
    [
      'its own server after its lease ran out and was swept',
      async (db: Database, turn: { requestId: string }) => {
        await loseLease(db, turn);
        await sweepLeases(db);
      },
      {},
    ],
    ['its own server under another session', async () => undefined, { sessionId: randomUUID() }],
  ] as const)('by %s is fenced off and writes nothing', async (_who, before, changes) => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    await before(database, turn);
    expect(await settleTurn(database, endOf(turn, changes))).toBeUndefined();
    expect(await messagesOf(database, session.sessionId)).toEqual([]);
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, messageCount: 0 });
  });

  test('writes all or nothing', async () => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    const broken = endOf(turn, { reply: { content: 'U+0000: \0', promptTokens: 1 } });
    await expect(settleTurn(database, broken)).rejects.toMatchObject({ cause: { code: '22021' } });
    expect(await messagesOf(database, session.sessionId)).toEqual([]);
    expect(await findRequest(database, turn)).toMatchObject({ state: 'running' });
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 125n });
  });
});

describe('releaseTurn', () => {
  test('gives the hold back once, and charges nothing', async () => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    expect(await releaseTurn(database, { ...turn, owner: randomUUID() })).toBe(false);
    expect(await releaseTurn(database, turn)).toBe(true);
    expect(await releaseTurn(database, turn)).toBe(false);
    expect(await findRequest(database, turn)).toMatchObject({ state: 'failed', chargedMsat: 0n, balanceMsat: 10_000n });
    expect(await readSession(database, session.sessionId)).toMatchObject({ balanceMsat: 10_000n, heldMsat: 0n });
  });

  test('leaves a settled turn alone', async () => {
    const session = await fundedSession(database, 10_000n);
    const turn = await reserved(database, session);
    await settleTurn(database, endOf(turn));
    expect(await releaseTurn(database, turn)).toBe(false);
    expect(await findRequest(database, turn)).toMatchObject({ state: 'completed', chargedMsat: 30n });
  });
});
