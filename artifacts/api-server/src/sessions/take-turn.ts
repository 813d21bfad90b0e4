/**
 * One turn: the user's message in, the reply out, one charge. Two statements of the database, and between them, while the
 * model thinks, no transaction and no connection is held. This is the first half; `finish-turn.ts` is the second.
 */
import { randomUUID } from 'node:crypto';

import { AppError, type TurnAnswer, type TurnRequest } from '@timmy-tower/contract';
import { type ReservedTurn, reserveTurn, TIME_LIMITS_MS } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { getRequest } from './find-request.ts';
import { refuseTurn } from './refuse-turn.ts';
import { release } from './release.ts';
import type { RunningTurn } from './running-turns.ts';
import type { Caller } from './session-key.ts';
import { hashMeant, hashSaid, type WholeTurn, withDefaults } from './turn-body.ts';
import { countTurn } from './turn-terms.ts';
import { untilAnswered } from './until-answered.ts';

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
  readonly body: WholeTurn;
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
  { caller, body: said, idempotencyKey: key }: NewTurn,
  entered: { readonly sessionId: string; readonly requestId: string; readonly running: RunningTurn },
): Promise<BegunTurn | ReplayedTurn> {
  const { agent, runningTurns } = deps;
  const { requestId, running } = entered;
  const body = withDefaults(said, deps.limits);
  const { terms, messageTokens } = await countTurn(deps, body);
  const reservation = {
    ...caller,
    requestId,
    idempotency:
      key === undefined ? undefined : { key, bodyHash: hashMeant(body, deps.limits), saidHash: hashSaid(said) },
    model: agent.model,
    owner: runningTurns.owner,
    leaseMs: runningTurns.leaseMs,
    ...terms,
    maxUnchargedTurns: MAX_UNCHARGED_TURNS,
  };
  const reserved = await deps.queues.locking.run(caller.sessionId, () =>
    untilAnswered(() => reserveTurn(deps.db, reservation), RESERVE_PATIENCE_MS),
  );
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
