/**
 * One turn: the user's message in, the reply out, one charge. Two statements of the database, and between them, while the
 * model thinks, no transaction and no connection is held.
 */
import { createHash, randomUUID } from 'node:crypto';

import { countTokens, estimateUsage, priceMsat, type Prompt } from '@timmy-tower/agent';
import { AppError, type IncompleteReason, type TurnAnswer, type TurnRequest } from '@timmy-tower/contract';
import { type ReservedTurn, releaseTurn, reserveTurn, settleTurn, TIME_LIMITS_MS, toAppError } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';
import { toTurnAnswer } from './answers.ts';
import { getRequest } from './find-request.ts';
import { readReply, type Reply } from './read-reply.ts';
import { refuseTurn } from './refuse-turn.ts';
import { type RunningTurn, type StopReason, TurnStopped } from './running-turns.ts';
import type { Caller } from './session-key.ts';
import { untilAnswered } from './until-answered.ts';

/** A balance that pays for a shorter reply than this is not worth a turn. */
const MIN_OUTPUT_TOKENS = 64;
/** Within an hour, of a session: turns that a provider was paid for and nobody was charged for. */
const MAX_UNCHARGED_TURNS = 20;
/** One more try where the first fails at once. Who had to wait for a lock is told to come again. */
const RESERVE_PATIENCE_MS = TIME_LIMITS_MS.lock + 200;

export interface NewTurn {
  readonly caller: Caller;
  readonly body: TurnRequest;
  readonly idempotencyKey?: string | undefined;
}

/** A turn that was let in: its hold is taken and its conversation is locked until it ends. */
export interface BegunTurn {
  readonly kind: 'begun';
  readonly sessionId: string;
  readonly requestId: string;
  readonly body: TurnRequest;
  readonly messageTokens: number;
  readonly reserved: ReservedTurn;
  readonly running: RunningTurn;
}

/** The same idempotency key was answered before. */
export interface ReplayedTurn {
  readonly kind: 'replay';
  readonly answer: TurnAnswer;
}

/** @throws {AppError} saying why the turn was not let in: nothing is held then */
export async function beginTurn(deps: Deps, turn: NewTurn): Promise<BegunTurn | ReplayedTurn> {
  if (deps.runningTurns.closing) throw shuttingDown();
  const turnId = { sessionId: turn.caller.sessionId, requestId: randomUUID() };
  const running = deps.runningTurns.add(turnId);
  try {
    const begun = await reserve(deps, turn, { ...turnId, running });
    if (begun.kind === 'replay') running.end();
    return begun;
  } catch (error) {
    running.end();
    throw error;
  }
}

async function reserve(
  deps: Deps,
  { caller, body, idempotencyKey }: NewTurn,
  entered: { readonly sessionId: string; readonly requestId: string; readonly running: RunningTurn },
): Promise<BegunTurn | ReplayedTurn> {
  const { agent, prices, runningTurns } = deps;
  const { requestId, running } = entered;
  const messageTokens = countTokens(body.content);
  const reservation = {
    ...caller,
    requestId,
    idempotency: idempotencyKey === undefined ? undefined : { key: idempotencyKey, bodyHash: hashBody(body) },
    model: agent.model,
    owner: runningTurns.owner,
    leaseMs: runningTurns.leaseMs,
    ownTokens: agent.overheadTokens + messageTokens,
    ...prices,
    maxOutputTokens: body.maxOutputTokens,
    minOutputTokens: MIN_OUTPUT_TOKENS,
    history: body.history,
    maxUnchargedTurns: MAX_UNCHARGED_TURNS,
  };
  const reserved = await untilAnswered(() => reserveTurn(deps.db, reservation), RESERVE_PATIENCE_MS);
  if (reserved.outcome === 'reserved') {
    const begun: BegunTurn = { kind: 'begun', ...entered, body, messageTokens, reserved };
    if (runningTurns.closing) {
      // It waited to be let in, and the server began to stop meanwhile.
      await release(deps, begun);
      throw shuttingDown();
    }
    running.begin();
    return begun;
  }
  if (reserved.outcome === 'replay') {
    return { kind: 'replay', answer: await getRequest(deps, { ...caller, requestId: reserved.requestId }) };
  }
  throw await refuseTurn(deps, caller, reserved);
}

const shuttingDown = () =>
  new AppError('unavailable', 'This server is shutting down. Nothing was charged: try again in a moment.', {
    fields: { retryAfterSeconds: 1 },
  });

/**
 * Runs a turn to its end, whether or not anyone still listens: the reply is stored and charged, or nothing is.
 * @throws {AppError} `agent-failed` or `unavailable`, with the `requestId`: nothing was charged, unless it says otherwise
 */
export async function finishTurn(deps: Deps, turn: BegunTurn, onText: (text: string) => void): Promise<TurnAnswer> {
  const { running } = turn;
  const prompt: Prompt = { history: turn.reserved.history, message: turn.body.content };
  const { maxOutputTokens } = turn.reserved;
  try {
    const reply = await readReply(deps.agent, {
      prompt,
      maxOutputTokens,
      turn: running,
      timeLimits: deps.modelTimeLimits,
      onText,
    });
    return await settle(deps, turn, { prompt, reply });
  } catch (error) {
    await release(deps, turn);
    throw turnFailure(error, turn.requestId);
  } finally {
    running.end();
  }
}

async function settle(
  deps: Deps,
  turn: BegunTurn,
  { prompt, reply }: { prompt: Prompt; reply: Reply },
): Promise<TurnAnswer> {
  const { agent, db, prices, runningTurns } = deps;
  const { sessionId, requestId, body, reserved } = turn;
  const usage =
    reply.ending === 'cancelled'
      ? estimateUsage({ prompt, overheadTokens: agent.overheadTokens, reply: reply.text })
      : reply.ending.usage;
  const incompleteReason = incompleteReasonOf(turn, reply);
  const state = incompleteReason ? 'incomplete' : 'completed';
  const settlement = {
    sessionId,
    requestId,
    owner: runningTurns.owner,
    state,
    incompleteReason,
    ...usage,
    reasoningTokens: 0,
    chargeMsat: priceMsat(usage, prices),
    user: { content: body.content, promptTokens: turn.messageTokens },
    reply: { content: reply.text, promptTokens: countTokens(reply.text) },
  } as const;
  const settled = await untilAnswered(() => settleTurn(db, settlement), TIME_LIMITS_MS.settle);
  if (!settled) throw new TurnStopped('lease-lost');
  return toTurnAnswer({
    ...settled,
    ...usage,
    reasoningTokens: 0,
    id: requestId,
    state,
    incompleteReason: incompleteReason ?? null,
    model: agent.model,
    shown: reserved.shown,
    reply: settled.reply && { ...settled.reply, content: reply.text },
  });
}

function incompleteReasonOf({ body, reserved }: BegunTurn, { ending }: Reply): IncompleteReason | undefined {
  if (ending === 'cancelled') return 'cancelled';
  if (ending.finish === 'stop') return undefined;
  return reserved.maxOutputTokens < body.maxOutputTokens ? 'balance' : 'max-output-tokens';
}

/** Gives the hold back. Where that fails, the sweep does it once the lease runs out. */
async function release({ db, log, runningTurns }: Deps, { sessionId, requestId }: BegunTurn): Promise<void> {
  try {
    await releaseTurn(db, { sessionId, requestId, owner: runningTurns.owner });
  } catch (error) {
    log.warn({ requestId, error: describeError(error) }, 'a failed turn is left to the sweep');
  }
}

function turnFailure(error: unknown, requestId: string): unknown {
  const cause = error instanceof TurnStopped ? stopFailures[error.reason] : toAppError(error);
  if (!(cause instanceof AppError)) return cause;
  return new AppError(cause.code, cause.message, { fields: { ...cause.fields, requestId }, cause: cause.cause });
}

/** What a caller is told about a turn that was stopped. (A cancelled one has a reply.) */
const stopFailures: Record<StopReason, AppError | undefined> = {
  cancelled: undefined,
  'too-slow': new AppError('agent-failed', 'The model took too long. Nothing was charged: try again.'),
  'lease-lost': new AppError(
    'unavailable',
    'This server lost touch with the database. Nothing was charged: try again.',
  ),
  'shutting-down': new AppError('unavailable', 'This server is shutting down. Nothing was charged: try again.'),
};

/** The parsed body, so that neither layout nor a spelled-out default makes another body of it. */
function hashBody({ content, maxOutputTokens, history }: TurnRequest): Buffer {
  const { maxMessages, tokenBudget } = history;
  return createHash('sha256')
    .update(JSON.stringify([content, maxOutputTokens, maxMessages, tokenBudget]))
    .digest();
}
