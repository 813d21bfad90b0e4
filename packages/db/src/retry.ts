import { setTimeout as delay } from 'node:timers/promises';

import { sqlState, tookTooLong } from './pg-error.ts';
import { TIME_LIMITS_MS } from './time-limits.ts';

const CONFLICTS = new Set(['40001', '40P01']); // serialization_failure, deadlock_detected
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;

/**
 * Runs `run` again for as long as another transaction gets in its way. The pauses grow and are random, so that those who met
 * do not all meet again; all in all it takes no longer than a statement may.
 * @throws {AppError} `unavailable` when it was in vain
 */
export async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + TIME_LIMITS_MS.statement;
  for (let longestPauseMs = FIRST_PAUSE_MS; ; longestPauseMs = Math.min(2 * longestPauseMs, MAX_PAUSE_MS)) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await run();
    } catch (error) {
      if (!CONFLICTS.has(sqlState(error) ?? '')) throw error;
      const pauseMs = Math.random() * longestPauseMs;
      if (performance.now() + pauseMs > deadline) throw tookTooLong(error);
      // oxlint-disable-next-line no-await-in-loop
      await delay(pauseMs);
    }
  }
}
