/**
 * A turn is two statements: `reserveTurn` lets it in and takes the hold, `settleTurn` writes both messages and the charge.
 * Memory and money change in one transaction or not at all; the steps and their reasons are in the migrations `functions`,
 * `turn_functions` and `prompt_windows`.
 */
import { AppError, type Msat } from '@timmy-tower/contract';

import type { HistoryMessage } from './history/window.ts';
import { type Db, queryPrepared, withRetry } from './transaction.ts';

/** Where a turn belongs: every statement about it names these. */
export interface TurnId {
  readonly sessionId: string;
  readonly requestId: string;
}

/** By what a turn is known again. */
export interface IdempotentTurn {
  readonly key: string;
  /** Of the body with its defaults, as they are today: by this alone requests of version 0.2.0 are known again. */
  readonly bodyHash: Buffer;
  /** Of what was said of it. A body that has either hash is the same one. */
  readonly saidHash: Buffer;
}

/** What a turn may show the model of what was said before. */
export interface HistoryBounds {
  readonly maxMessages: number;
  readonly tokenBudget: number;
  /** Of the budget, half of it at most, for messages from before the window. None unless said. */
  readonly recallTokens?: number;
}

/** What decides how much a turn holds and shows. */
export interface TurnTerms {
  /** Prompt tokens that are not history: the agent's own and the new message. */
  readonly ownTokens: number;
  readonly inputMsatPerKtoken: bigint;
  readonly outputMsatPerKtoken: bigint;
  readonly maxOutputTokens: number;
  /** A balance that pays for fewer output tokens than this is insufficient. */
  readonly minOutputTokens: number;
  readonly history: HistoryBounds;
}

export interface ReserveTurn extends TurnId, TurnTerms {
  readonly keyHash: Buffer;
  readonly idempotency?: IdempotentTurn | undefined;
  readonly model: string;
  /** The server that runs it. */
  readonly owner: string;
  readonly leaseMs: number;
  /** So many turns within an hour that cost us and charged nothing are enough: see `releaseTurn`. */
  readonly maxUnchargedTurns: number;
}

/** What a turn shows the model. */
export interface ShownHistory {
  readonly messages: number;
  readonly tokens: number;
  /** Stored and not shown. */
  readonly dropped: number;
  /** How many of the messages were recalled from before the window. */
  readonly recalled: number;
  /** Whether any of them was cut. */
  readonly clipped: boolean;
}

/** A place in a conversation. */
export interface MessagePlace {
  readonly createdAt: string;
  readonly seq: string;
}

export interface Recallable {
  /** Of the budget; what is recalled has at most three times as many prompt tokens. */
  readonly tokens: number;
  /** Where the window starts. */
  readonly before: MessagePlace;
}

export interface ReservedTurn {
  readonly outcome: 'reserved';
  /** Whole turns, oldest first; each message whole. */
  readonly history: readonly HistoryMessage[];
  /** The tokens that the history's first turn may have, if it has more: who shows it cuts it to that. */
  readonly clipTokens: number | undefined;
  /** undefined: nothing lies before the window, or nothing may be recalled. */
  readonly recallable: Recallable | undefined;
  /** The window, without what is recalled. */
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
  clip_tokens: string | null;
  recall_tokens: string;
  history_starts_at: string;
  history_starts_seq: string;
  retry_after_seconds: number;
}

const reserveStatement = {
  name: 'reserve_turn',
  text: 'SELECT * FROM reserve_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)',
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
    turn.history.recallTokens ?? 0,
    turn.maxUnchargedTurns,
  ];
  const [row] = await withRetry(db, () => queryPrepared<ReserveRow>(db, reserveStatement, params));
  return readReserveRow(row!);
}

function readReserveRow(row: ReserveRow): ReserveOutcome {
  switch (row.outcome) {
    case 'reserved':
      return readReserved(row);
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

function readReserved(row: ReserveRow): ReservedTurn {
  const recallTokens = Number(row.recall_tokens);
  return {
    outcome: 'reserved',
    history: row.history,
    clipTokens: row.clip_tokens === null ? undefined : Number(row.clip_tokens),
    recallable:
      recallTokens > 0
        ? { tokens: recallTokens, before: { createdAt: row.history_starts_at, seq: row.history_starts_seq } }
        : undefined,
    shown: {
      messages: row.history_messages,
      tokens: row.history_tokens,
      dropped: row.history_dropped,
      recalled: 0,
      clipped: row.clip_tokens !== null,
    },
    maxOutputTokens: row.max_output_tokens,
  };
}
