/**
 * A turn is two statements: `reserveTurn` lets it in and takes the hold, `settleTurn` writes both messages and the charge.
 * Memory and money change in one transaction or not at all; the steps and their reasons are in the migrations `functions`,
 * `turn_functions` and `known_again`.
 */
import { AppError, type IncompleteReason, type Msat } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';

import { heuristicTokens } from './history/tokens.ts';
import type { HistoryMessage } from './history/window.ts';
import { type Db, queryPrepared, queryRows, withRetry } from './transaction.ts';

/** Where a turn belongs: every statement about it names these. */
export interface TurnId {
  readonly sessionId: string;
  readonly requestId: string;
}

/** By what a turn is known again. */
export interface IdempotentTurn {
  readonly key: string;
  /** Of the body with its defaults, as they are today: what version 0.2.0 compares. */
  readonly bodyHash: Buffer;
  /** Of what was said of it. A body that has either hash is the same one. */
  readonly saidHash: Buffer;
}

export interface ReserveTurn extends TurnId {
  readonly keyHash: Buffer;
  readonly idempotency?: IdempotentTurn | undefined;
  readonly model: string;
  /** The server that runs it. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Prompt tokens that are not history: the agent's own and the new message. */
  readonly ownTokens: number;
  readonly inputMsatPerKtoken: bigint;
  readonly outputMsatPerKtoken: bigint;
  readonly maxOutputTokens: number;
  /** A balance that pays for fewer output tokens than this is insufficient. */
  readonly minOutputTokens: number;
  readonly history: { readonly maxMessages: number; readonly tokenBudget: number };
  /** So many turns within an hour that cost us and charged nothing are enough: see `releaseTurn`. */
  readonly maxUnchargedTurns: number;
}

export interface ShownHistory {
  readonly messages: number;
  readonly tokens: number;
  readonly dropped: number;
}

export interface ReservedTurn {
  readonly outcome: 'reserved';
  readonly history: readonly HistoryMessage[];
  readonly shown: ShownHistory;
  /** What the hold pays for: less than was asked when the balance is short. */
  readonly maxOutputTokens: number;
}

export type ReserveOutcome =
  | ReservedTurn
  | { readonly outcome: 'replay'; readonly requestId: string }
  | { readonly outcome: 'mismatch' | 'busy'; readonly requestId: string }
  | { readonly outcome: 'not-found' | 'awaiting_payment' | 'expired' | 'closed' }
  | { readonly outcome: 'too-many-uncharged'; readonly retryAfterSeconds: number }
  | {
      readonly outcome: 'insufficient';
      readonly requiredMsat: Msat;
      readonly balanceMsat: Msat;
      readonly heldMsat: Msat;
    };

interface ReserveRow {
  /** `ended`: it was sent before, its answer was lost, and its lease ran out before it was sent again. */
  outcome: ReserveOutcome['outcome'] | 'ended';
  request_id: string;
  balance_msat: string;
  held_msat: string;
  required_msat: string;
  max_output_tokens: number;
  history: HistoryMessage[];
  history_messages: number;
  history_tokens: number;
  history_dropped: number;
  retry_after_seconds: number;
}

const reserveStatement = {
  name: 'reserve_turn',
  text: 'SELECT * FROM reserve_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)',
};

/**
 * Checks the key, the idempotency key, the status, the conversation's lock and the balance; takes the hold and reads the
 * history; or says why not. Safe to send again with the same request id when its answer was lost.
 * @throws {AppError} `unavailable` when the request with this id has ended in the meantime
 */
export async function reserveTurn(db: Db, turn: ReserveTurn): Promise<ReserveOutcome> {
  const params = [
    turn.sessionId,
    turn.keyHash,
    turn.requestId,
    turn.idempotency?.key ?? null,
    turn.idempotency?.bodyHash ?? null,
    turn.idempotency?.saidHash ?? null,
    turn.model,
    turn.owner,
    turn.leaseMs,
    turn.ownTokens,
    turn.inputMsatPerKtoken,
    turn.outputMsatPerKtoken,
    turn.maxOutputTokens,
    turn.minOutputTokens,
    turn.history.maxMessages,
    turn.history.tokenBudget,
    turn.maxUnchargedTurns,
  ];
  const [row] = await withRetry(db, () => queryPrepared<ReserveRow>(db, reserveStatement, params));
  return readReserveRow(row!);
}

function readReserveRow(row: ReserveRow): ReserveOutcome {
  switch (row.outcome) {
    case 'reserved':
      return {
        outcome: row.outcome,
        history: row.history,
        shown: { messages: row.history_messages, tokens: row.history_tokens, dropped: row.history_dropped },
        maxOutputTokens: row.max_output_tokens,
      };
    case 'replay':
    case 'mismatch':
    case 'busy':
      return { outcome: row.outcome, requestId: row.request_id };
    case 'insufficient':
      return {
        outcome: row.outcome,
        requiredMsat: BigInt(row.required_msat),
        balanceMsat: BigInt(row.balance_msat),
        heldMsat: BigInt(row.held_msat),
      };
    case 'too-many-uncharged':
      return { outcome: row.outcome, retryAfterSeconds: row.retry_after_seconds };
    case 'ended':
      throw new AppError('unavailable', 'The database took too long. Nothing was charged: try again.', {
        fields: { retryAfterSeconds: 1 },
      });
    case 'not-found':
    case 'awaiting_payment':
    case 'expired':
    case 'closed':
      return { outcome: row.outcome };
  }
}

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
  text: 'SELECT * FROM settle_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)',
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
