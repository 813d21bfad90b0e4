/** A database of its own for all tests of a file. */
import { afterAll, afterEach, beforeAll } from 'vitest';

import type { OpenOptions } from '../src/open.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { Database } from '../src/transaction.ts';
import { expectBalancedBooks } from './fixtures.ts';

/** Open from `beforeAll` on. */
export let opened: TestDatabase;
export let database: Database;

/** @param options `unbalanced`: what a test does to the books on purpose stays; otherwise they must balance after each */
export function useDatabase({ unbalanced = false, ...options }: OpenOptions & { unbalanced?: boolean } = {}): void {
  beforeAll(async () => {
    opened = await openTestDatabase(options);
    database = opened.db;
  });
  afterEach(async () => {
    if (!unbalanced) await expectBalancedBooks(database);
  });
  afterAll(() => opened.close());
}
