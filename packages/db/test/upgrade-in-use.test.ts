/** The upgrade while servers of version 0.3.0 are at work on the database. */
import { randomBytes, randomUUID } from 'node:crypto';

import { afterEach, assert, beforeEach, expect, test } from 'vitest';

import { type Database, findRequest, listDiscrepancies, openDatabase } from '../src/index.ts';
import { openOldDatabase, type UnmigratedDatabase } from '../src/testing.ts';
import { readSession, type TestSession } from './fixtures.ts';
import { OldServer } from './old-server.ts';

let unmigrated: UnmigratedDatabase;
let old: OldServer;

beforeEach(async () => {
  unmigrated = await openOldDatabase();
  old = await OldServer.open(unmigrated.url);
});
afterEach(async () => {
  await old.close();
  await unmigrated.close();
});

async function upgraded(use: (database: Database) => Promise<void>): Promise<void> {
  const { db, close } = await openDatabase(unmigrated.url);
  await use(db);
  const discrepancies = await listDiscrepancies(db);
  await close();
  assert.deepEqual(discrepancies, []);
}

test('a turn that began before it is settled after it, by the connection and the statements that were there', async () => {
  const session = await old.fundedSession();
  await old.settle(await old.reserve(session), 'before');
  const turn = await old.reserve(session);
  await upgraded(async (database) => {
    expect(await old.settle(turn, 'across')).toMatchObject({ charged_msat: '30', balance_msat: '9940' });
    expect(await findRequest(database, turn)).toMatchObject({
      state: 'completed',
      shown: { messages: 2, tokens: 5, dropped: 0, recalled: 0, clipped: false },
      reply: { content: 'across' },
    });
    const next = await old.reserve(session);
    expect(next.answer['history']).toMatchObject([{}, { content: 'before' }, {}, { content: 'across' }]);
    await old.settle(next, 'after');
    expect(await readSession(database, session.sessionId)).toMatchObject({
      balanceMsat: 9910n,
      heldMsat: 0n,
      messageCount: 6,
    });
  });
});

/** Everything that a server does for a session, once. */
async function roundOf(server: OldServer, session: TestSession): Promise<void> {
  const { sessionId, keyHash } = session;
  const key = randomUUID();
  const turn = await server.reserve(session, { key, bodyHash: randomBytes(32), saidHash: randomBytes(32) });
  expect(turn.answer['outcome']).toBe('reserved');
  const renewed = await server.send('renewLeases', 15_000, sessionId, turn.requestId, server.owner);
  expect(renewed).toHaveLength(1);
  expect(await server.settle(turn)).toBeDefined();
  expect(await server.findRequest(turn)).toHaveLength(1);
  expect(await server.send('findRequestByKey', sessionId, key)).toMatchObject([{ id: turn.requestId }]);
  expect(await server.send('newestMessages', sessionId, 8)).toHaveLength(2);
  expect(await server.send('listMessages', sessionId, 51)).not.toEqual([]);
  const hash = await server.addInvoice(sessionId, key);
  expect(await server.sendForLists('findInvoiceByKey', sessionId, key)).toMatchObject([{ 0: hash }]);
  await server.claimDueInvoices();
  expect(await server.credit({ paymentHash: hash.toString('hex') }, 1000n)).toBe('applied');
  expect(await server.findSession({ sessionId, keyHash })).toHaveLength(1);
  expect(await server.send('forgetMessages', sessionId)).toMatchObject([{ outcome: 'forgotten' }]);
}

test('everything goes on all the time: it waits, and nothing fails', async () => {
  let migrated = false;
  let rounds = 0;
  const work = async () => {
    const server = await OldServer.open(unmigrated.url);
    const session = await server.fundedSession(1_000_000n);
    for (let left = 3; left > 0; left -= migrated ? 1 : 0) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await roundOf(server, session);
      rounds += 1;
    }
    await server.close();
  };
  const working = Promise.allSettled([work(), work(), work(), work()]);
  await expect.poll(() => rounds).toBeGreaterThan(8);
  await upgraded(async () => {
    migrated = true;
    const done = { status: 'fulfilled', value: undefined };
    expect(await working).toEqual([done, done, done, done]);
  });
});
