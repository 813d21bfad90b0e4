import type { Logger } from 'pino';

import { describeError } from './log.ts';

/**
 * Runs a task now and again `ms` after each run, never two at once. A run that fails is logged and the next one comes.
 * @returns a function that ends it, once the run under way is done
 */
export function runEvery(
  ms: number,
  name: string,
  { log, run }: { log: Logger; run: () => Promise<unknown> },
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let current = Promise.resolve();
  const tick = async () => {
    try {
      await run();
    } catch (error) {
      log.warn({ task: name, error: describeError(error) }, 'a background task failed');
    }
    if (!stopped) timer = setTimeout(next, ms);
  };
  const next = () => {
    current = tick();
  };
  next();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await current;
  };
}
