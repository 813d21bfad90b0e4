import { inspect } from 'node:util';

import { AppError } from '@timmy-tower/contract';

import { ConfigError } from './config.ts';
import { describeError } from './log.ts';

/** What a person needs to hear when the server does not start. */
export function startFailure(error: unknown): string {
  const expected = error instanceof ConfigError || error instanceof AppError || error instanceof RangeError;
  if (!expected) return `timmy-tower could not start: ${inspect(describeError(error), { depth: 5 })}`;
  const cause = error.cause instanceof Error ? `\n${describeError(error.cause).message ?? ''}` : '';
  return `timmy-tower could not start.\n${error.message}${cause}`.trimEnd();
}
