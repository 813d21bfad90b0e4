/** The second half of a turn, and what ends it without one: see `reserve-turn.ts`. */
import type { IncompleteReason, Msat } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';

import { heuristicTokens } from './history/tokens.ts';
import type { ShownHistory, TurnId } from './reserve-turn.ts';
import { type Db, queryPrepared, queryRows, withRetry } from './transaction.ts';

/** A message's text with its real count of prompt tokens. */
export interface CountedText {
  readonly content: string;
  readonly promptTokens: number;
}

export interface SettleTurn extends TurnId {
  readonly owner: string;
  readonly state: 'completed' | 'incomplete';
  readonly incompleteReason?: IncompleteReason | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of the output that was thought and not said. */
  readonly reasoningTokens: number;
  /** Charged up to the hold. */
  readonly chargeMsat: Msat;
  readonly user: CountedText;
  readonly reply: CountedText;
  /** All that the model was shown; the window, unless said. */
  readonly shown?: ShownHistory;
}

export interface SettledTurn {
  readonly chargedMsat: Msat;
  readonly balanceMsat: Msat;
  readonly createdAt: Date;
  readonly finishedAt: Date;
  /** null when it was sent again, and the conversation was forgotten in between. */
  readonly reply: { readonly id: string; readonly tokenCount: number; readonly createdAt: Date } | null;
}

interface SettleRow {
  charged_msat: string;
  balance_msat: string;
  request_created_at: string;
  finished_at: string;
  reply_id: string | null;
  reply_created_at: string;
}

const settleStatement = {
  name: 'settle_turn',
  text: 'SELECT * FROM settle_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)',
};

/**
 * Writes both messages, the charge, the new balance and the request's end, or nothing at all. Safe to send again when its
 * answer was lost: it answers the same.
 * @returns undefined when fenced off: the request was ended by others, or is another server's
 */
export async function settleTurn(db: Db, turn: SettleTurn): Promise<SettledTurn | undefined> {
  const replyTokenCount = heuristicTokens(turn.reply.content);
  const params = [
    turn.sessionId,
    turn.requestId,
    turn.owner,
    turn.state,
    turn.incompleteReason ?? null,
    turn.inputTokens,
    turn.outputTokens,
    turn.reasoningTokens,
    turn.chargeMsat,
    turn.user.content,
    heuristicTokens(turn.user.content),
    turn.user.promptTokens,
    turn.reply.content,
    replyTokenCount,
    turn.reply.promptTokens,
    turn.shown?.messages ?? null,
    turn.shown?.tokens ?? null,
    turn.shown?.dropped ?? null,
    turn.shown?.recalled ?? null,
    turn.shown?.clipped ?? null,
  ];
  const [row] = await withRetry(db, () => queryPrepared<SettleRow>(db, settleStatement, params));
  if (!row) return undefined;
  return {
    chargedMsat: BigInt(row.charged_msat),
    balanceMsat: BigInt(row.balance_msat),
    createdAt: new Date(row.request_created_at),
    finishedAt: new Date(row.finished_at),
    reply: row.reply_id
      ? { id: row.reply_id, tokenCount: replyTokenCount, createdAt: new Date(row.reply_created_at) }
      : null,
  };
}

export interface ReleaseTurn extends TurnId {
  readonly owner: string;
  /**
   * What a provider was paid for nonetheless, at our prices. It is summed in the session; after `maxUnchargedTurns` such turns
   * within an hour `reserveTurn` lets in no more.
   */
  readonly unchargedMsat?: Msat;
}

/** Ends a turn as failed: nothing is charged, the hold goes back, its idempotency key is free. False: it had ended already. */
export async function releaseTurn(db: Db, turn: ReleaseTurn): Promise<boolean> {
  return release(db, turn);
}

/** Ends a turn as failed if its lease ran out, whichever server it was run by. */
export async function releaseAbandonedTurn(db: Db, turn: TurnId): Promise<boolean> {
  return release(db, { ...turn, owner: null });
}

async function release(
  db: Db,
  { sessionId, requestId, owner, unchargedMsat = 0n }: Omit<ReleaseTurn, 'owner'> & { owner: string | null },
): Promise<boolean> {
  const rows = await withRetry(db, () =>
    queryRows<{ released: boolean }>(
      db,
      sql`SELECT release_turn(${sessionId}, ${requestId}, ${owner}, ${unchargedMsat}) AS released`,
    ),
  );
  return rows[0]!.released;
}
