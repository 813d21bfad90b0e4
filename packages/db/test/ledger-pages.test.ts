/** The ledger, page by page: each entry once, in one order, however their times fall together. */
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type LedgerEntry, type LedgerPageOptions, listLedgerPage } from '../src/ledger.ts';
import { fundedSession, run, say } from './fixtures.ts';
import { database, useDatabase } from './use-database.ts';

useDatabase();

async function readAll(options: Omit<LedgerPageOptions, 'after'>): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = [];
  for (;;) {
    const page = await listLedgerPage(database, { ...options, after: all.at(-1)?.id });
    all.push(...page!.entries);
    if (!page!.hasMore) return all;
    expect(page!.entries).toHaveLength(options.limit);
  }
}

test('all entries are read, once each, both ways, also those that share an instant or are a microsecond apart', async () => {
  const microseconds = fc.array(fc.nat(3), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(microseconds, fc.integer({ min: 1, max: 25 }), async (times, limit) => {
      const { sessionId } = await fundedSession(database);
      await run(
        database,
        `INSERT INTO ledger_entries (session_id, kind, amount_msat, created_at)
         SELECT $1, 'refund', -1, timestamptz '2020-01-01T00:00:00.000100Z' + at * interval '1 microsecond' FROM unnest($2::int[]) at`,
        [sessionId, times],
      );
      const inOrder = await run(
        database,
        'SELECT id FROM ledger_entries WHERE session_id = $1 ORDER BY created_at, id',
        [sessionId],
      );
      const ids = inOrder.map(({ id }) => id);
      expect(ids).toHaveLength(times.length + 1);
      expect((await readAll({ sessionId, limit, order: 'asc' })).map(({ id }) => id)).toEqual(ids);
      expect((await readAll({ sessionId, limit, order: 'desc' })).map(({ id }) => id)).toEqual(ids.toReversed());
    }),
  );
});

test('a page starts behind no entry but the session’s own, and after the last one it is empty', async () => {
  const session = await fundedSession(database);
  await say(database, session, 'hello', 'hello');
  const other = await fundedSession(database);
  const page = (sessionId: string, after?: string) =>
    listLedgerPage(database, { sessionId, limit: 9, order: 'desc', after });
  const { entries } = (await page(session.sessionId))!;
  expect(entries.map(({ kind }) => kind)).toEqual(['charge', 'deposit']);
  expect(await page(session.sessionId, entries.at(-1)!.id)).toEqual({ entries: [], hasMore: false });
  expect(await page(other.sessionId, entries[0]!.id)).toBeUndefined();
  expect(await page(session.sessionId, randomUUID())).toBeUndefined();
});
