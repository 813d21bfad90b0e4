/** What a turn would hold, cost and show if it were asked for now: one statement, which locks and stores nothing. */
import { msatToJson, type TurnEstimate, type TurnRequest } from '@timmy-tower/contract';
import { type EstimatedTurn, estimateTurn } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { refuseTurn } from './refuse-turn.ts';
import type { Caller } from './session-key.ts';
import { withDefaults } from './turn-body.ts';
import { countTurn } from './turn-terms.ts';

/** @throws {AppError} `not-found`, `payment-required`, `session-closed`; `rate-limited`, `unavailable` when too many ask at once */
export async function estimate(deps: Deps, caller: Caller, said: TurnRequest): Promise<TurnEstimate> {
  const estimated = await deps.queues.estimating.run(caller.sessionId, async () => {
    const { terms } = await countTurn(deps, withDefaults(said, deps.limits));
    return estimateTurn(deps.db, { ...caller, ...terms });
  });
  switch (estimated.outcome) {
    case 'estimated':
    case 'insufficient':
      return toEstimate(estimated);
    case 'not-found':
    case 'awaiting_payment':
    case 'expired':
    case 'closed':
      throw await refuseTurn(deps, caller, { outcome: estimated.outcome });
  }
}

const toEstimate = (estimated: EstimatedTurn): TurnEstimate => ({
  leastMsat: msatToJson(estimated.leastMsat),
  holdMsat: estimated.holdMsat === undefined ? null : msatToJson(estimated.holdMsat),
  requiredMsat: msatToJson(estimated.requiredMsat),
  availableMsat: msatToJson(estimated.availableMsat),
  maxOutputTokens: estimated.maxOutputTokens,
  short: estimated.outcome === 'insufficient' ? 'balance' : null,
  history: estimated.shown,
});
