/** A database of today on which a server of version 0.3.0 is at work, with a session of its, for the tests of a file. */
import { afterAll, afterEach, assert, beforeAll, beforeEach } from 'vitest';

import { type Database, listDiscrepancies } from '../src/index.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { TestSession } from './fixtures.ts';
import { OldServer } from './old-server.ts';

/** There from `beforeAll` on. */
export let opened: TestDatabase;
export let database: Database;
export let old: OldServer;
/** A new one for each test, with 10 sat. */
export let session: TestSession;

/** After each test the books must balance, by either server's account. */
export function useOldServer(): void {
  beforeAll(async () => {
    opened = await openTestDatabase();
    database = opened.db;
    old = await OldServer.open(opened.url);
  });
  beforeEach(async () => {
    session = await old.fundedSession();
  });
  afterEach(async () => {
    assert.deepEqual(await listDiscrepancies(database), []);
    assert.deepEqual(await old.send('listDiscrepancies'), []);
  });
  afterAll(async () => {
    await old.close();
    await opened.close();
  });
}
