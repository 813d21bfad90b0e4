/**
 * The second half of a turn: the reply is read, then stored and charged, or nothing is. What a provider is owed and nobody was
 * charged for is added up by session.
 */
import { completeUsage, countTokens, priceMsat, type Usage } from '@timmy-tower/agent';
import { AppError, type IncompleteReason, type Msat, type TurnAnswer } from '@timmy-tower/contract';
import { settleTurn, TIME_LIMITS_MS, toAppError } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';
import { toTurnAnswer } from './answers.ts';
import { readReply, type Reply, type ReplyListener, type Said } from './read-reply.ts';
import { release } from './release.ts';
import { type StopReason, TurnStopped } from './running-turns.ts';
import type { BegunTurn } from './take-turn.ts';
import { untilAnswered } from './until-answered.ts';

/**
 * Runs a turn to its end, whether or not anyone still listens: the reply is stored and charged, or nothing is.
 * @throws {AppError} `agent-…` or `unavailable`, with the `requestId`: nothing was charged, unless it says otherwise
 */
export async function finishTurn(deps: Deps, turn: BegunTurn, listener: ReplyListener = {}): Promise<TurnAnswer> {
  const { running } = turn;
  let owed: Said | undefined;
  try {
    const read = await readReply(deps.agent, {
      prompt: promptOf(turn),
      maxOutputTokens: turn.reserved.maxOutputTokens,
      turn: running,
      timeLimits: deps.modelTimeLimits,
      listener,
    });
    if (!('error' in read) || read.isOwed) owed = read;
    if ('error' in read) throw read.error;
    return await settle(deps, turn, read);
  } catch (error) {
    await fail(deps, turn, { error, owed });
    throw turnFailure(error, turn.requestId);
  } finally {
    running.end();
  }
}

const promptOf = ({ reserved, body }: BegunTurn) => ({ history: reserved.history, message: body.content });

async function settle(deps: Deps, turn: BegunTurn, reply: Reply): Promise<TurnAnswer> {
  const { agent, db, prices, runningTurns } = deps;
  const { sessionId, requestId, body, reserved } = turn;
  const usage = await usageOf(deps, turn, reply);
  const incompleteReason = incompleteReasonOf(turn, reply);
  const state = incompleteReason ? 'incomplete' : 'completed';
  const settlement = {
    sessionId,
    requestId,
    owner: runningTurns.owner,
    state,
    incompleteReason,
    ...usage,
    chargeMsat: priceMsat(usage, prices),
    user: { content: body.content, promptTokens: turn.messageTokens },
    reply: { content: reply.text, promptTokens: await countTokens(reply.text) },
  } as const;
  const settled = await untilAnswered(() => settleTurn(db, settlement), TIME_LIMITS_MS.settle);
  if (!settled) throw new TurnStopped('lease-lost');
  return toTurnAnswer({
    ...settled,
    ...usage,
    id: requestId,
    state,
    incompleteReason: incompleteReason ?? null,
    model: agent.model,
    shown: reserved.shown,
    reply: settled.reply && { ...settled.reply, content: reply.text },
  });
}

async function usageOf({ agent }: Deps, turn: BegunTurn, { text, reasoning, reported, isWhole }: Said): Promise<Usage> {
  const exchange = { prompt: promptOf(turn), overheadTokens: agent.overheadTokens, reply: text, reasoning, isWhole };
  return completeUsage(reported, exchange);
}

function incompleteReasonOf({ body, reserved }: BegunTurn, { ending, text }: Reply): IncompleteReason | undefined {
  if (ending === 'cancelled') return 'cancelled';
  if (text === '') return 'empty';
  if (ending === 'too-long') return 'too-long';
  if (ending === 'stop') return undefined;
  return reserved.maxOutputTokens < body.maxOutputTokens ? 'balance' : 'max-output-tokens';
}

/** The failure is told with what it cost, as a number: a provider's own words may quote what people said. */
async function fail(
  deps: Deps,
  turn: BegunTurn,
  { error, owed }: { error: unknown; owed: Said | undefined },
): Promise<void> {
  const { sessionId, requestId } = turn;
  const unchargedMsat = await priceOf(deps, turn, owed);
  const facts = { sessionId, requestId, unchargedMsat: Number(unchargedMsat), error: describeError(error) };
  deps.log.warn(facts, 'a turn failed');
  await release(deps, turn, unchargedMsat);
}

/** What the provider is owed, by our own prices. */
async function priceOf(deps: Deps, turn: BegunTurn, owed: Said | undefined): Promise<Msat> {
  return owed ? priceMsat(await usageOf(deps, turn, owed), deps.prices) : 0n;
}

const NOTHING_HAPPENED = 'Nothing was stored, and nothing was charged.';

function turnFailure(error: unknown, requestId: string): unknown {
  const cause = error instanceof TurnStopped ? stopFailures[error.code] : toAppError(error);
  if (!(cause instanceof AppError)) return cause;
  const message = cause.code.startsWith('agent-') ? `${cause.message} ${NOTHING_HAPPENED}` : cause.message;
  return new AppError(cause.code, message, { fields: { ...cause.fields, requestId }, cause: cause.cause });
}

/** What a caller is told about a turn that was stopped. (A cancelled one has a reply.) */
const stopFailures: Record<StopReason, AppError | undefined> = {
  cancelled: undefined,
  silent: new AppError('agent-failed', 'The model fell silent. Try again in a moment.'),
  'too-long': new AppError('agent-failed', 'The model took too long. Try again in a moment.'),
  'lease-lost': new AppError(
    'unavailable',
    'This server lost touch with the database. Nothing was charged: try again.',
  ),
  'shutting-down': new AppError('unavailable', 'This server is shutting down. Nothing was charged: try again.'),
};
