/** A session's money, entry by entry. */
import { randomUUID } from 'node:crypto';

import { type LedgerPage, ledgerPageSchema, type Problem } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import type { TestSession } from './harness.ts';
import { server, useServer } from './scripted-server.ts';

useServer();

async function page(session: TestSession, query = ''): Promise<LedgerPage> {
  const { status, body } = await session.call<LedgerPage>(`/ledger${query}`);
  expect(status).toBe(200);
  return ledgerPageSchema.strict().parse(body);
}

/** Takes a tenth of a sat so many times, all at one instant. */
async function take(session: TestSession, times: number): Promise<void> {
  await server.query(
    `INSERT INTO ledger_entries (session_id, kind, amount_msat) SELECT $1, 'refund', -100 FROM generate_series(1, $2::int)`,
    [session.id, times],
  );
}

describe('the ledger', () => {
  test('tells what came in and what was charged, newest first, and sums to the balance', async () => {
    const session = await server.fund();
    const asked = [await session.ask('one'), await session.ask('two')].map(({ body }) => body.request);
    const { entries, hasMore } = await page(session);
    expect(hasMore).toBe(false);
    expect(entries.map(({ kind, amountMsat, requestId }) => ({ kind, amountMsat, requestId }))).toEqual([
      { kind: 'charge', amountMsat: -asked[1]!.chargedMsat!, requestId: asked[1]!.id },
      { kind: 'charge', amountMsat: -asked[0]!.chargedMsat!, requestId: asked[0]!.id },
      { kind: 'deposit', amountMsat: 1_000_000, requestId: null },
    ]);
    const { balanceMsat } = await session.show();
    expect(entries.reduce((sum, { amountMsat }) => sum + amountMsat, 0)).toBe(balanceMsat);
    expect((await page(session, '?order=asc')).entries).toEqual(entries.toReversed());
  });

  test('comes page by page, also where entries share an instant, 50 unless said otherwise', async () => {
    const session = await server.fund();
    await take(session, 60);
    const { entries } = await page(session, '?limit=200');
    expect(entries).toHaveLength(61);
    expect(await page(session)).toEqual({ entries: entries.slice(0, 50), hasMore: true });
    expect(await page(session, `?after=${entries[49]!.id}`)).toEqual({ entries: entries.slice(50), hasMore: false });
    expect(await page(session, `?limit=7&after=${entries[9]!.id}`)).toEqual({
      entries: entries.slice(10, 17),
      hasMore: true,
    });
    expect(await page(session, `?after=${entries.at(-1)!.id}`)).toEqual({ entries: [], hasMore: false });
  });

  test('of a session that was never paid is empty', async () => {
    expect(await page(await server.open())).toEqual({ entries: [], hasMore: false });
  });

  test('goes on from no entry but the session’s own', async () => {
    const [session, other] = [await server.fund(), await server.fund()];
    const foreign = (await page(other)).entries[0]!.id;
    for (const after of [foreign, randomUUID(), 'nonsense', '']) {
      const { status, body } = await session.call<Problem>(`/ledger?after=${after}`);
      expect([after, status, body.code, body.errors?.map(({ path }) => path)]).toEqual([
        after,
        422,
        'invalid-request',
        ['after'],
      ]);
    }
  });

  test.each(['limit=0', 'limit=201', 'order=up', 'page=2'])(
    'with ?%s is refused, and the fault is named',
    async (query) => {
      const { status, body } = await (await server.open()).call<Problem>(`/ledger?${query}`);
      expect([status, body.code]).toEqual([422, 'invalid-request']);
      expect(JSON.stringify(body.errors)).toContain(query.split('=')[0]);
    },
  );
});
