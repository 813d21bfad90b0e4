/** Structured logs on standard error. No message text, key or preimage gets into them. */
import { AppError } from '@timmy-tower/contract';
import { sqlState } from '@timmy-tower/db';
import { destination, type Logger, pino } from 'pino';

export function createLog(level: 'info' | 'silent' = 'info'): Logger {
  return pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ dest: 2, sync: true }),
  );
}

export interface ErrorDescription {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly at?: string[];
  readonly cause?: ErrorDescription;
}

/**
 * An error as the log may have it. Messages of database errors quote parameters, and those of syntax errors quote what was
 * parsed: both are left out, and the code and the place remain.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error };
  const state = sqlState(error);
  const code = state ?? ('code' in error && typeof error.code === 'string' ? error.code : undefined);
  const quotes = state !== undefined || error.constructor.name === 'DrizzleQueryError' || error instanceof SyntaxError;
  const frames = error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6);
  return {
    type: error.constructor.name,
    ...(code === undefined ? {} : { code }),
    ...(quotes ? {} : { message: error.message }),
    ...(error instanceof AppError || !frames ? {} : { at: frames.map((line) => line.trim()) }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
