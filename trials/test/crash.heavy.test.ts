/** A short trial of each kind. */
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { describe, expect, test } from 'vitest';

import { openTrial } from '../src/trial.ts';

const TIMEOUT_MS = 300_000;

describe('every promise is kept', () => {
  test('by a server that is killed at random moments', { timeout: TIMEOUT_MS }, async () => {
    await using database = await disposable(openTestDatabase());
    await using trial = await openTrial({ mode: 'server', seed: 'test', clients: 4, databaseUrl: database.url });
    while (trial.scene.counts.kills < 3) expect(await trial.round()).toEqual([]);
    expect(await trial.checkEverything()).toEqual([]);
    expect(trial.scene.counts.answered).toBeGreaterThan(0);
  });

  test('when the database is killed at random moments', { timeout: TIMEOUT_MS }, async () => {
    await using trial = await openTrial({ mode: 'database', seed: 'test', clients: 4 });
    for (let round = 1; round <= 2; round += 1) expect(await trial.round()).toEqual([]);
    expect(await trial.checkEverything()).toEqual([]);
  });

  test('by a server whose time stands still until it lost its leases', { timeout: TIMEOUT_MS }, async () => {
    await using database = await disposable(openTestDatabase());
    await using trial = await openTrial({ mode: 'freeze', seed: 'test', clients: 4, databaseUrl: database.url });
    for (let round = 1; round <= 2; round += 1) expect(await trial.round()).toEqual([]);
    expect(await trial.checkEverything()).toEqual([]);
  });
});

async function disposable(opening: Promise<TestDatabase>): Promise<TestDatabase & AsyncDisposable> {
  const database = await opening;
  return { ...database, [Symbol.asyncDispose]: () => database.close() };
}
