import { AppError } from '@timmy-tower/contract';
import { DrizzleQueryError } from 'drizzle-orm';

import { TIME_LIMITS_MS } from './time-limits.ts';

// SQLSTATE classes of a server that cannot serve now: connection exception, insufficient resources, operator intervention
// (shutting down, starting up), system error. PostgreSQL 18, appendix A.
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58']);
const READ_ONLY = '25006'; // a primary that became a standby
// lock_not_available, query_canceled, idle_in_transaction_session_timeout, transaction_timeout: nothing was done.
const TOO_LONG = new Set(['55P03', '57014', '25P03', '25P04']);
/** By then most of what was stuck has been ended. */
const RETRY_AFTER_SECONDS = TIME_LIMITS_MS.lock / 1000;

/** What PostgreSQL says of an error, as drivers pass it on: Node's own errors have codes too, but no severity. */
interface ServerError {
  readonly code: string;
  readonly severity: string;
}

/** The five-character code of an error that PostgreSQL sent; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return asServerError(error)?.code;
}

/**
 * A statement failed without a word from the server: the connection broke, or none could be had. Whether the statement took
 * effect is unknown. (The driver gives most of these errors no code.)
 */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof DrizzleQueryError)) return false;
  return sqlState(error) === undefined && !(error.cause instanceof TypeError);
}

/**
 * What a failed statement means to a caller: an AppError `unavailable` if the database cannot be reached, cannot serve now or
 * took too long, else the error as it came. Drizzle's errors quote the statement's parameters: show none of them.
 */
export function toAppError(error: unknown): unknown {
  const state = sqlState(error) ?? '';
  if (TOO_LONG.has(state)) return tookTooLong(error);
  const cannotServe = UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || state === READ_ONLY;
  return cannotServe || isConnectionLost(error) ? unavailable(error) : error;
}

export function unavailable(cause: unknown): AppError {
  return retryLater('The database cannot be reached. Nothing was lost: try again in a moment.', cause);
}

/**
 * Runs what needs a lock, for those who have others to see to as well.
 * @returns undefined when somebody holds the lock who does not let go: nothing was done
 */
export async function unlessLocked<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    return undefined;
  }
}

export const isLockTimeout = (error: unknown) => sqlState(error) === '55P03'; // lock_not_available

/** It was given up before it did anything. */
export function tookTooLong(cause: unknown): AppError {
  return retryLater('The database took too long. Nothing was done: try again in a moment.', cause);
}

function retryLater(message: string, cause: unknown): AppError {
  return new AppError('unavailable', message, {
    fields: { retryAfterSeconds: RETRY_AFTER_SECONDS },
    cause: unwrap(cause),
  });
}

function asServerError(error: unknown): ServerError | undefined {
  const found = unwrap(error);
  if (!(found instanceof Error && 'code' in found && 'severity' in found)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the drivers' classes have in common
  return typeof found.code === 'string' ? (found as Error & ServerError) : undefined;
}

function unwrap(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}
