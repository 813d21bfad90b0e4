import { setTimeout as delay } from 'node:timers/promises';

import type { TurnAnswer } from '@timmy-tower/contract';
import { requestCancel, sweepLeases } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { getRequest, type RequestOfSession } from './find-request.ts';

const POLL_MS = 50;

/**
 * Stops a running request, on whichever server it runs, and answers once it has ended. One that ended before is answered as
 * it is. When its server does not react within a lease, that server is gone, and the request ends as failed.
 */
export async function cancelRequest(deps: Deps, ids: RequestOfSession): Promise<TurnAnswer> {
  const answer = await getRequest(deps, ids);
  if (answer.request.state !== 'running') return answer;
  await requestCancel(deps.db, ids);
  deps.runningTurns.cancel(ids.requestId);
  return deps.queues.cancelling.run(ids.sessionId, () => untilEnded(deps, ids));
}

async function untilEnded(deps: Deps, ids: RequestOfSession): Promise<TurnAnswer> {
  const deadline = performance.now() + 2 * deps.runningTurns.leaseMs;
  let answer = await getRequest(deps, ids);
  while (answer.request.state === 'running' && performance.now() < deadline) {
    // oxlint-disable-next-line no-await-in-loop -- waiting for another server
    await delay(POLL_MS);
    // oxlint-disable-next-line no-await-in-loop
    answer = await getRequest(deps, ids);
  }
  if (answer.request.state !== 'running') return answer;
  await sweepLeases(deps.db);
  return getRequest(deps, ids);
}
