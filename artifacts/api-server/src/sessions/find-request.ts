import { AppError, type TurnAnswer } from '@timmy-tower/contract';
import { type Database, findRequest } from '@timmy-tower/db';

import { toTurnAnswer } from './answers.ts';

export interface RequestOfSession {
  readonly sessionId: string;
  readonly requestId: string;
}

/** A request of a session whose key was checked, in whatever state. @throws {AppError} `not-found` */
export async function getRequest({ db }: { readonly db: Database }, ids: RequestOfSession): Promise<TurnAnswer> {
  const stored = await findRequest(db, ids);
  if (!stored) throw new AppError('not-found', 'This session has no such request.');
  return toTurnAnswer(stored);
}
