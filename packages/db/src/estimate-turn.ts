import type { Msat } from '@timmy-tower/contract';

import type { ShownHistory, TurnTerms } from './reserve-turn.ts';
import { type Db, queryPrepared, withRetry } from './transaction.ts';

export interface EstimateTurn extends TurnTerms {
  readonly sessionId: string;
  readonly keyHash: Buffer;
}

export interface EstimatedTurn {
  readonly outcome: 'estimated' | 'insufficient';
  /** What is shown in any case, as it was counted, and not a word of reply. */
  readonly leastMsat: Msat;
  /** Also the most that it can cost. undefined: it would not be let in. */
  readonly holdMsat: Msat | undefined;
  readonly requiredMsat: Msat;
  readonly availableMsat: Msat;
  /** What the hold pays for; as many as were asked for where it is insufficient. */
  readonly maxOutputTokens: number;
  /** The window: what would be recalled is not looked for. */
  readonly shown: ShownHistory;
}

export type EstimateOutcome =
  | EstimatedTurn
  | { readonly outcome: 'not-found' | 'awaiting_payment' | 'expired' | 'closed' };

interface EstimateRow {
  outcome: EstimateOutcome['outcome'];
  least_msat: string;
  hold_msat: string | null;
  required_msat: string;
  available_msat: string;
  max_output_tokens: number;
  history_messages: number;
  history_tokens: number;
  history_dropped: number;
  history_clipped: boolean;
}

const estimateStatement = {
  name: 'estimate_turn',
  text: 'SELECT * FROM estimate_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
};

/** What `reserveTurn` would hold and show now, whatever else runs. Nothing is locked or stored. */
export async function estimateTurn(db: Db, turn: EstimateTurn): Promise<EstimateOutcome> {
  const params = [
    turn.sessionId,
    turn.keyHash,
    turn.ownTokens,
    turn.inputMsatPerKtoken,
    turn.outputMsatPerKtoken,
    turn.maxOutputTokens,
    turn.minOutputTokens,
    turn.history.maxMessages,
    turn.history.tokenBudget,
    turn.history.recallTokens ?? 0,
  ];
  const [row] = await withRetry(db, () => queryPrepared<EstimateRow>(db, estimateStatement, params));
  const { outcome } = row!;
  return outcome === 'estimated' || outcome === 'insufficient' ? readEstimated(row!, outcome) : { outcome };
}

function readEstimated(row: EstimateRow, outcome: EstimatedTurn['outcome']): EstimatedTurn {
  return {
    outcome,
    leastMsat: BigInt(row.least_msat),
    holdMsat: row.hold_msat === null ? undefined : BigInt(row.hold_msat),
    requiredMsat: BigInt(row.required_msat),
    availableMsat: BigInt(row.available_msat),
    maxOutputTokens: row.max_output_tokens,
    shown: {
      messages: row.history_messages,
      tokens: row.history_tokens,
      dropped: row.history_dropped,
      recalled: 0,
      clipped: row.history_clipped,
    },
  };
}
