import { AppError } from '@timmy-tower/contract';
import { findSession, type StoredSession } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import type { Caller } from './session-key.ts';

/** The same for a key that does not fit and for a session that does not exist: nobody learns which sessions there are. */
export function sessionNotFound(): AppError {
  return new AppError('not-found', 'There is no such session, or the key is not one of its keys.');
}

/** @throws {AppError} `not-found` when the caller's key opens no session */
export async function getSession(
  { db, knownKeys }: Pick<Deps, 'db' | 'knownKeys'>,
  caller: Caller,
): Promise<StoredSession> {
  const session = await findSession(db, caller);
  if (!session) throw sessionNotFound();
  if (session.status !== 'awaiting_payment') knownKeys.remember(caller);
  return session;
}
