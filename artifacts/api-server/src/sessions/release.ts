import type { Msat } from '@timmy-tower/contract';
import { releaseTurn, type TurnId } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';

/**
 * Ends a turn as failed and gives its hold back. Where that fails, the sweep does it once the lease runs out.
 * @param unchargedMsat what the provider is owed for it all the same
 */
export async function release(
  { db, log, runningTurns }: Deps,
  { sessionId, requestId }: TurnId,
  unchargedMsat: Msat = 0n,
): Promise<void> {
  try {
    await releaseTurn(db, { sessionId, requestId, owner: runningTurns.owner, unchargedMsat });
  } catch (error) {
    log.warn({ requestId, error: describeError(error) }, 'a failed turn is left to the sweep');
  }
}
