/**
 * What runs in the background or under a session's lock costs the same however much the database holds: it finds its rows by
 * an index, and reads none in vain. On a million of everything, with plans that were made without a look at the parameters.
 */
import { randomBytes, randomUUID } from 'node:crypto';

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { listEarlierMessages } from '../src/earlier-messages.ts';
import { estimateTurn } from '../src/estimate-turn.ts';
import { forgetMessages, getSessionHistory, listMessages } from '../src/history.ts';
import { findInvoiceByKey, keyInvoice } from '../src/invoice-keys.ts';
import {
  addInvoice,
  claimInvoicesToLookUp,
  creditPayment,
  listPayableInvoices,
  listWatchedInvoices,
  type WatchedInvoice,
} from '../src/invoices.ts';
import { renewLeases, requestCancel, sweepLeases } from '../src/leases.ts';
import { listLedgerPage } from '../src/ledger.ts';
import { findRequest, findRequestByKey } from '../src/requests.ts';
import {
  expireIdleSessions,
  findKeys,
  findSession,
  insertSession,
  listSessions,
  listSessionVersions,
  removeUnpaidSessions,
} from '../src/sessions.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { Database } from '../src/transaction.ts';
import { releaseTurn, settleTurn } from '../src/end-turn.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { DAY_MS, endOf, HOUR_MS, newInvoice, newTurn, reserved } from './fixtures.ts';
import { fillLargeDatabase, LONG, OWNER, requestNumber, sessionNumber, SILENT } from './large-database.ts';
import { type ExplainedDatabase, openExplainedDatabase } from './plans.ts';

let opened: TestDatabase;
let explained: ExplainedDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openTestDatabase();
  // Not one of the pool's, which gives a statement up after a while: on a busy machine this one takes longer.
  const client = new pg.Client({ connectionString: opened.url });
  await client.connect();
  await fillLargeDatabase(client);
  await client.end();
  explained = openExplainedDatabase(opened.url);
  database = explained.db;
}, 400_000);
afterAll(async () => {
  await explained[Symbol.asyncDispose]();
  await opened.close();
});

const long = sessionNumber(LONG);
const hundred = Array.from({ length: 100 }, (_, index) => sessionNumber(index * 10 + 1));
const ids = hundred.map(({ sessionId }) => sessionId);
/** Active, with a request whose lease ran out. */
const abandoned = sessionNumber(12_001);
/** Active, with a request that runs. */
const busy = sessionNumber(24_001);

const idempotency = (key: string) => ({ key, bodyHash: randomBytes(32), saidHash: randomBytes(32) });

const statements: Record<string, () => Promise<void>> = {
  'a turn': async () => {
    const turn = await reserved(database, long, { idempotency: idempotency('a new key') });
    expect(await settleTurn(database, endOf(turn))).toBeDefined();
    expect(await settleTurn(database, endOf(turn))).toBeDefined();
  },
  'a turn that is estimated': async () => {
    for (const session of [long, sessionNumber(SILENT), abandoned]) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await estimateTurn(database, newTurn(session))).toMatchObject({ outcome: 'estimated' });
    }
  },
  'the ledger': async () => {
    const page = { sessionId: long.sessionId, limit: 50 };
    for (const order of ['asc', 'desc'] as const) {
      const first = await listLedgerPage(database, { ...page, order });
      expect(first).toMatchObject({ entries: { length: 50 }, hasMore: true });
      const next = await listLedgerPage(database, { ...page, order, after: first!.entries.at(-1)!.id });
      expect(next).toMatchObject({ entries: { length: 50 }, hasMore: true });
    }
    expect(await listLedgerPage(database, { ...page, order: 'desc', after: randomUUID() })).toBeUndefined();
  },
  'a turn after a long silence': async () => {
    const turn = await reserved(database, sessionNumber(SILENT));
    expect(turn.answer.history).toEqual([]);
  },
  'a turn that is refused': async () => {
    const keyed = newTurn(long, { idempotency: idempotency('key 30') });
    expect(await reserveTurn(database, keyed)).toMatchObject({ outcome: 'mismatch' });
    expect(await reserveTurn(database, newTurn(busy))).toMatchObject({ outcome: 'busy' });
    expect(await reserveTurn(database, newTurn({ ...long, keyHash: randomBytes(32) }))).toEqual({
      outcome: 'not-found',
    });
    expect(await settleTurn(database, endOf(newTurn(long)))).toBeUndefined();
  },
  'a turn that ends another one, whose lease ran out': async () => {
    const turn = await reserved(database, abandoned);
    expect(await releaseTurn(database, turn)).toBe(true);
  },
  'a turn that was paid for in vain': async () => {
    const turn = await reserved(database, long);
    expect(await releaseTurn(database, { ...turn, unchargedMsat: 5n })).toBe(true);
    expect(await releaseTurn(database, turn)).toBe(false);
  },
  'the conversation': async () => {
    expect(await getSessionHistory(long.sessionId, 8, 4000, database)).toHaveLength(8);
    const page = { sessionId: long.sessionId, limit: 50 };
    for (const order of ['asc', 'desc'] as const) {
      const first = await listMessages(database, { ...page, order });
      expect(await listMessages(database, { ...page, order, after: first!.messages.at(-1)!.id })).toBeDefined();
    }
    expect(await listMessages(database, { ...page, order: 'asc', after: randomUUID() })).toBeUndefined();
  },
  'what lies before a turn’s window': async () => {
    const turn = await reserved(database, long, { history: { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 } });
    const earlier = await listEarlierMessages(database, { ...turn, before: turn.answer.recallable!.before });
    expect(earlier.messages.length).toBeGreaterThan(1000);
    expect(earlier.opening).toMatchObject({ role: 'user' });
    expect(await releaseTurn(database, turn)).toBe(true);
  },
  'a request': async () => {
    const turn = { sessionId: long.sessionId, requestId: requestNumber(30) };
    expect(await findRequest(database, turn)).toMatchObject({ state: 'completed' });
    await requestCancel(database, turn);
  },
  'a session': async () => {
    expect(await findSession(database, long)).toMatchObject({ invoice: { status: 'pending' } });
    expect(await findSession(database, { ...long, keyHash: randomBytes(32) })).toBeUndefined();
  },
  'the sessions that are watched': async () => {
    expect(await listSessionVersions(database, ids)).toHaveLength(100);
    expect(await listSessions(database, ids)).toHaveLength(100);
  },
  'the keys of many at once': async () => {
    expect(await findKeys(database, hundred)).toHaveLength(100);
  },
  'a session that is opened and topped up': async () => {
    const invoice = newInvoice();
    await insertSession(database, { id: randomUUID(), keyHash: randomBytes(32), invoice });
    expect(await creditPayment(database, { ...invoice, receivedMsat: 1000n })).toBe('applied');
    expect(await creditPayment(database, { ...invoice, receivedMsat: 1000n })).toBe('replayed');
    const another = { ...newInvoice(), mostPending: 5 };
    expect(await addInvoice(database, long.sessionId, another)).toBeDefined();
    expect(await listPayableInvoices(database, { sessionId: long.sessionId, limit: 5 })).toHaveLength(2);
  },
  'what a key was used for': async () => {
    const { sessionId } = long;
    const invoice = newInvoice();
    const { paymentHash } = newInvoice();
    await addInvoice(database, sessionId, { ...newInvoice({ paymentHash }), mostPending: 9 });
    expect(await keyInvoice(database, { sessionId, idempotencyKey: 'given', paymentHash })).toBe(true);
    await addInvoice(database, sessionId, { ...invoice, mostPending: 9, idempotencyKey: 'topped up' });
    const keyed = { sessionId, idempotencyKey: 'topped up' };
    expect(await findInvoiceByKey(database, keyed)).toMatchObject({ paymentHash: invoice.paymentHash });
    expect(await findRequestByKey(database, { sessionId, idempotencyKey: 'key 30' })).toMatchObject({
      state: 'completed',
    });
  },
  'the start of a server': async () => {
    let after: WatchedInvoice | undefined;
    for (let page = 0; page < 3; page += 1) {
      const watched = await listWatchedInvoices(database, { after, limit: 50 });
      expect(watched).toHaveLength(50);
      after = watched.at(-1);
    }
  },
  'the invoices that are due': async () => {
    expect(await claimInvoicesToLookUp(database, 50)).toHaveLength(50);
  },
  'leases that are renewed': async () => {
    const turns = Array.from({ length: 100 }, (_, index) => 8001 + 8000 * index).map((number) => ({
      sessionId: sessionNumber(number).sessionId,
      requestId: requestNumber(number),
    }));
    expect(await renewLeases(database, { owner: OWNER, leaseMs: HOUR_MS, turns })).toHaveLength(100);
  },
  'leases that ran out': async () => {
    expect(await sweepLeases(database)).toBeGreaterThan(100);
  },
  'idle sessions': async () => {
    expect(await expireIdleSessions(database, 30 * DAY_MS)).toBeGreaterThan(1000);
  },
  'unpaid sessions': async () => {
    expect(await removeUnpaidSessions(database)).toBe(1000);
  },
  'a conversation that is forgotten': async () => {
    const { sessionId } = sessionNumber(11);
    expect(await forgetMessages(database, sessionId)).toEqual({});
    expect(await forgetMessages(database, busy.sessionId)).toHaveProperty('busyWith');
  },
};

test.for(Object.entries(statements))('%s: read by an index, and nothing in vain', async ([, bring]) => {
  explained.takeFaults();
  await bring();
  expect(explained.takeFaults()).toEqual([]);
});
