import { setTimeout as delay } from 'node:timers/promises';

import { AppError } from '@timmy-tower/contract';
import { TIME_LIMITS_MS, toAppError } from '@timmy-tower/db';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Runs a statement that may safely be sent again until its answer arrives, for as long as another try, should it have to wait
 * for a lock, still ends within `patienceMs`.
 */
export async function untilAnswered<T>(run: () => Promise<T>, patienceMs: number): Promise<T> {
  const lastTry = performance.now() + patienceMs - TIME_LIMITS_MS.lock;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await run();
    } catch (error) {
      if (!isUnavailable(error) || performance.now() + pauseMs > lastTry) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop
    await delay(pauseMs);
  }
}

function isUnavailable(error: unknown): boolean {
  const meaning = toAppError(error);
  return meaning instanceof AppError && meaning.code === 'unavailable';
}
