import { AppError } from '@timmy-tower/contract';
import { DrizzleQueryError } from 'drizzle-orm';
import pg from 'pg';

// SQLSTATE classes of a server that cannot serve now: connection exception, insufficient resources, operator intervention
// (shutting down, starting up, cancelled), system error. PostgreSQL 18, appendix A.
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58']);
const READ_ONLY = '25006'; // a primary that became a standby

/** The five-character code of an error that PostgreSQL sent; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  const driverError = unwrap(error);
  return driverError instanceof pg.DatabaseError ? driverError.code : undefined;
}

/** The name of the constraint that a statement would have broken; undefined for any other error. */
export function violatedConstraint(error: unknown): string | undefined {
  const driverError = unwrap(error);
  return driverError instanceof pg.DatabaseError ? driverError.constraint : undefined;
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
 * What a failed statement means to a caller: an AppError `unavailable` if the database cannot be reached or cannot serve now,
 * else the error as it came. Drizzle's errors quote the statement's parameters: show none of them.
 */
export function toAppError(error: unknown): unknown {
  const state = sqlState(error) ?? '';
  const cannotServe = UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || state === READ_ONLY;
  return cannotServe || isConnectionLost(error) ? unavailable(unwrap(error)) : error;
}

export function unavailable(cause: unknown): AppError {
  return new AppError('unavailable', 'The database cannot be reached. Nothing was lost: try again in a moment.', {
    cause,
  });
}

function unwrap(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}
