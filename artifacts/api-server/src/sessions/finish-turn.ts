/**
 * The second half of a turn: the reply is read, then stored and charged, or nothing is. What a provider is owed and nobody was
 * charged for is added up by session.
 */
import { completeUsage, countTokens, priceMsat, type Usage } from '@timmy-tower/agent';
import { AppError, type IncompleteReason, type Msat, type TurnAnswer } from '@timmy-tower/contract';
import { settleTurn, type ShownHistory, TIME_LIMITS_MS, toAppError } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';
import { toTurnAnswer } from './answers.ts';
import { readReply, type Reply, type ReplyListener, type Said } from './read-reply.ts';
import { release } from './release.ts';
import type { RunningReply } from './running-reply.ts';
import { type StopReason, TurnStopped } from './running-turns.ts';
import { showHistory, type ShownPrompt } from './show-history.ts';
import type { BegunTurn } from './take-turn.ts';
import { untilAnswered } from './until-answered.ts';

/** What is told while a turn runs. */
export interface TurnListener extends ReplyListener {
  /** First of all, and before the model is asked. */
  readonly onShown?: (shown: ShownHistory) => void;
}

/**
 * Runs a turn to its end, whether or not anyone still listens: the reply is stored and charged, or nothing is.
 * @throws {AppError} `agent-…` or `unavailable`, with the `requestId`: nothing was charged, unless it says otherwise
 */
export async function finishTurn(deps: Deps, turn: BegunTurn, listener: TurnListener = {}): Promise<TurnAnswer> {
  const { running } = turn;
  const { reply } = running;
  let owed: Msat = 0n;
  try {
    const asked = { ...turn, ...(await showHistory(deps, turn)) };
    reply.show(asked.shown);
    listener.onShown?.(asked.shown);
    const read = await readReply(deps.agent, {
      prompt: asked.prompt,
      maxOutputTokens: turn.reserved.maxOutputTokens,
      turn: running,
      timeLimits: deps.modelTimeLimits,
      listener: { ...listener, onText: tellBoth(reply, listener) },
    });
    if ('error' in read) {
      if (read.isOwed) owed = priceMsat(await usageOf(deps, asked, read), deps.prices);
      throw read.error;
    }
    const usage = await usageOf(deps, asked, read);
    owed = priceMsat(usage, deps.prices);
    const answer = await settle(deps, asked, { reply: read, usage });
    reply.finish(answer);
    return answer;
  } catch (error) {
    await fail(deps, turn, { error, unchargedMsat: owed });
    const failure = turnFailure(error, turn.requestId);
    reply.fail(failure);
    throw failure;
  } finally {
    running.end();
  }
}

type AskedTurn = BegunTurn & ShownPrompt;

/** Those who joined, and who asked. */
const tellBoth =
  (reply: RunningReply, { onText }: TurnListener) =>
  (text: string) => {
    reply.say(text);
    onText?.(text);
  };

async function settle(
  { agent, db, prices, runningTurns }: Deps,
  turn: AskedTurn,
  { reply, usage }: { reply: Reply; usage: Usage },
): Promise<TurnAnswer> {
  const { sessionId, requestId, body, shown } = turn;
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
    shown,
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
    shown,
    reply: settled.reply && { ...settled.reply, content: reply.text },
  });
}

async function usageOf(
  { agent }: Deps,
  { prompt }: AskedTurn,
  { text, reasoning, reported, isWhole }: Said,
): Promise<Usage> {
  const exchange = { prompt, overheadTokens: agent.overheadTokens, reply: text, reasoning, isWhole };
  return completeUsage(reported, exchange);
}

function incompleteReasonOf({ body, reserved }: BegunTurn, { ending, text }: Reply): IncompleteReason | undefined {
  if (ending === 'cancelled') return 'cancelled';
  if (text === '') return 'empty';
  if (ending === 'too-long') return 'too-long';
  if (ending === 'stop') return undefined;
  return reserved.maxOutputTokens < body.maxOutputTokens ? 'balance' : 'max-output-tokens';
}

/**
 * The failure is told with what it cost, as a number: a provider's own words may quote what people said.
 * @param unchargedMsat what the provider is owed, by our own prices
 */
async function fail(
  deps: Deps,
  { sessionId, requestId }: BegunTurn,
  { error, unchargedMsat }: { error: unknown; unchargedMsat: Msat },
): Promise<void> {
  const facts = { sessionId, requestId, unchargedMsat: Number(unchargedMsat), error: describeError(error) };
  deps.log.warn(facts, 'a turn failed');
  await release(deps, { sessionId, requestId }, unchargedMsat);
}

const NOTHING_HAPPENED = 'Nothing was stored, and nothing was charged.';

function turnFailure(error: unknown, requestId: string): unknown {
  const cause = error instanceof TurnStopped ? stopFailures[error.code] : toAppError(error);
  if (!(cause instanceof AppError)) return cause;
  const message = cause.code.startsWith('agent-') ? `${cause.message} ${NOTHING_HAPPENED}` : cause.message;
  return new AppError(cause.code, message, { fields: { ...cause.fields, requestId }, cause: cause.cause });
}

/** What a caller is told about a turn that was stopped. (One that was cancelled later has a reply.) */
const stopFailures: Record<StopReason, AppError> = {
  cancelled: new AppError('agent-failed', 'The turn was cancelled before the model was asked.'),
  silent: new AppError('agent-failed', 'The model fell silent. Try again in a moment.'),
  'too-long': new AppError('agent-failed', 'The model took too long. Try again in a moment.'),
  'lease-lost': new AppError(
    'unavailable',
    'This server lost touch with the database. Nothing was charged: try again.',
  ),
  'shutting-down': new AppError('unavailable', 'This server is shutting down. Nothing was charged: try again.'),
};
