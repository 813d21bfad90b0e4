import { inspect } from 'node:util';

import { AppError } from '@timmy-tower/contract';

import { describeError } from './log.ts';
import { ConfigError } from './read-settings.ts';

/** What a person needs to hear when the server does not start. */
export function startFailure(error: unknown): string {
  const expected = error instanceof ConfigError || error instanceof AppError || error instanceof RangeError;
  if (!expected) return `timmy-tower could not start: ${inspect(describeError(error), { depth: 5 })}`;
  return `timmy-tower could not start.\n${error.message}\n${reasonOf(error.cause)}`.trimEnd();
}

/** Invalid authorization, no such database, a pooler's refusal (PostgreSQL 18, appendix A): before any statement, it quotes none. */
const REFUSED_AT_THE_DOOR = /^(08|28|3D)/;

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const { code, message } = describeError(cause);
  if (message !== undefined) return message;
  return REFUSED_AT_THE_DOOR.test(code ?? '') ? cause.message : `PostgreSQL answered with error ${code}.`;
}
