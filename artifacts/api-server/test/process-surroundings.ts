/** What a server needs that runs as a process of its own: a database, a model and a place. Afterwards the books must balance. */
import { listDiscrepancies } from '@timmy-tower/db';
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, afterEach, assert, beforeAll, beforeEach } from 'vitest';

import { openPlace, type Place } from './server-process.ts';
import { openSlowModel, type SlowModel } from './slow-model.ts';

/** There from the first hook on that comes after `useSurroundings`. */
export let database: TestDatabase;
export let model: SlowModel;
export let place: Place;

/** @param once for all tests of a file together, or for each of them its own */
export function useSurroundings(once: 'per file' | 'per test' = 'per file'): void {
  if (once === 'per file') {
    beforeAll(open);
    afterEach(expectBalance);
    afterAll(close);
  } else {
    beforeEach(open);
    afterEach(close);
  }
}

async function open(): Promise<void> {
  [database, model, place] = await Promise.all([openTestDatabase(), openSlowModel(), openPlace()]);
}

async function expectBalance(): Promise<void> {
  assert.deepEqual(await listDiscrepancies(database.db), []);
}

async function close(): Promise<void> {
  await place[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  const discrepancies = await listDiscrepancies(database.db);
  await database.close();
  assert.deepEqual(discrepancies, []);
}
