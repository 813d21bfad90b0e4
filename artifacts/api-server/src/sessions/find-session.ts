import { findSession, type StoredSession } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import type { Caller } from './session-key.ts';
import { sessionNotFound } from './session-not-found.ts';

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
