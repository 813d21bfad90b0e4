import type { StoredSession } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { getRequest } from './find-request.ts';
import { RunningReply } from './running-reply.ts';

/**
 * The reply of a request of a session whose key was checked, on whichever server it runs, or whether it has ended.
 * @returns what opens it, for the moment when it is read
 * @throws {AppError} `not-found`
 */
export async function findReply(
  deps: Pick<Deps, 'db' | 'runningTurns' | 'joinedReplies'>,
  session: StoredSession,
  requestId: string,
): Promise<() => RunningReply> {
  const ids = { sessionId: session.id, requestId };
  const here = deps.runningTurns.findReply(ids);
  if (here) return () => here;
  const answer = await getRequest(deps, ids);
  if (answer.request.state === 'running') return () => deps.joinedReplies.awaited.open(session, requestId);
  const ended = new RunningReply(requestId);
  ended.take(answer);
  return () => ended;
}
