/** The upgrade while servers of version 0.1.0 are at work on the database. */
import { afterEach, assert, beforeEach, expect, test } from 'vitest';

import { type Database, findRequest, listDiscrepancies, openDatabase } from '../src/index.ts';
import { openOldDatabase, type UnmigratedDatabase } from '../src/testing.ts';
import { readSession } from './fixtures.ts';
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
    expect(await findRequest(database, turn)).toMatchObject({ state: 'completed', reply: { content: 'across' } });
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

test('turns go on all the time: they wait, and none fails', async () => {
  let migrated = false;
  let turns = 0;
  const work = async () => {
    const server = await OldServer.open(unmigrated.url);
    const session = await server.fundedSession(1_000_000n);
    for (let left = 3; left > 0; left -= migrated ? 1 : 0) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const turn = await server.reserve(session);
      expect(turn.answer['outcome']).toBe('reserved');
      // oxlint-disable-next-line no-await-in-loop
      expect(await server.settle(turn)).toBeDefined();
      turns += 1;
    }
    await server.close();
  };
  const working = Promise.allSettled([work(), work(), work(), work()]);
  await expect.poll(() => turns).toBeGreaterThan(8);
  await upgraded(async () => {
    migrated = true;
    const done = { status: 'fulfilled', value: undefined };
    expect(await working).toEqual([done, done, done, done]);
  });
});
