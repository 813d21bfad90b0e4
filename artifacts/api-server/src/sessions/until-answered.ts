import { setTimeout as delay } from 'node:timers/promises';

import { AppError } from '@timmy-tower/contract';
import { toAppError } from '@timmy-tower/db';

/** Runs a statement that may safely be sent again, until its answer arrives. */
export async function untilAnswered<T>(run: () => Promise<T>, retriesMs: readonly number[]): Promise<T> {
  for (const retryMs of retriesMs) {
    try {
      return await run();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await delay(retryMs);
    }
  }
  return run();
}

const isUnavailable = (error: unknown) => {
  const meaning = toAppError(error);
  return meaning instanceof AppError && meaning.code === 'unavailable';
};
