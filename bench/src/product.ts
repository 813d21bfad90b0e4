/** The product as `main.ts` puts it together, but for the model: one that answers at once. */
import type { Agent } from '@timmy-tower/agent';
import { loadConfig, requestLimits } from '@timmy-tower/api-server/config.ts';
import type { Deps } from '@timmy-tower/api-server/deps.ts';
import { createSessionQueues } from '@timmy-tower/api-server/sessions/session-queues.ts';
import { finishTurn } from '@timmy-tower/api-server/sessions/finish-turn.ts';
import { JoinedReplies } from '@timmy-tower/api-server/sessions/joined-replies.ts';
import { KnownKeys } from '@timmy-tower/api-server/sessions/known-keys.ts';
import { RunningTurns } from '@timmy-tower/api-server/sessions/running-turns.ts';
import { beginTurn } from '@timmy-tower/api-server/sessions/take-turn.ts';
import { WatchedSessions } from '@timmy-tower/api-server/sessions/watched-sessions.ts';
import type { Database } from '@timmy-tower/db';
import { openSimulatedWallet } from '@timmy-tower/lightning';

import type { FundedSession } from './fill.ts';

export const QUESTION = 'How do I brew a good cup of coffee, step by step?';
export const REPLY = 'Grind the beans, warm the pot, pour slowly, wait four minutes. '.repeat(5);
export const USAGE = { inputTokens: 700, outputTokens: 80 };

/** Keeps nothing of what it was asked, and reports a usage as providers do. */
export const instantAgent: Agent = {
  model: 'instant',
  overheadTokens: 30,
  reasons: () => false,
  health: () => ({ status: 'ok' }),
  async *reply() {
    yield { type: 'text', text: REPLY };
    yield { type: 'usage', usage: USAGE };
    yield { type: 'end', finish: 'stop' };
  },
};

export interface Product extends AsyncDisposable {
  readonly deps: Deps;
}

/** With every setting at its default. `walletDirectory` is where the simulated wallet keeps its seed. */
export async function openProduct(
  db: Database,
  { log, walletDirectory }: { log: Deps['log']; walletDirectory: string },
): Promise<Product> {
  const config = loadConfig({});
  const { settings } = config;
  await using opening = new AsyncDisposableStack();
  const wallet = await openSimulatedWallet({ directory: walletDirectory });
  opening.defer(() => wallet.close());
  const runningTurns = new RunningTurns({ db, log });
  opening.defer(() => runningTurns.close(1000));
  const opened = opening.move();
  const watchedSessions = new WatchedSessions({ db, log, sessionIdleDays: settings.SESSION_IDLE_DAYS });
  const deps: Deps = {
    db,
    wallet,
    agent: instantAgent,
    log,
    runningTurns,
    watchedSessions,
    joinedReplies: new JoinedReplies({ db, watchedSessions }),
    queues: createSessionQueues(),
    knownKeys: new KnownKeys(db),
    limits: requestLimits(config),
    prices: {
      inputMsatPerKtoken: settings.PRICE_INPUT_MSAT_PER_KTOKEN,
      outputMsatPerKtoken: settings.PRICE_OUTPUT_MSAT_PER_KTOKEN,
    },
    modelTimeLimits: {
      silenceMs: settings.MODEL_SILENCE_SECONDS * 1000,
      totalMs: settings.MODEL_TOTAL_SECONDS * 1000,
    },
    agentName: settings.AGENT_NAME,
    sessionIdleDays: settings.SESSION_IDLE_DAYS,
    newSessionsPerMinute: settings.NEW_SESSIONS_PER_MINUTE,
    trustedProxies: settings.TRUST_PROXY,
    corsOrigins: settings.CORS_ORIGINS,
  };
  return { deps, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** One turn through the public use case. */
export async function takeTurn(
  deps: Deps,
  { id, keyHash }: FundedSession,
  { recallTokens } = { recallTokens: 0 },
): Promise<void> {
  const { history, maxOutputTokens } = deps.limits;
  const body = { content: QUESTION, maxOutputTokens, history: { ...history, recallTokens } };
  const turn = await beginTurn(deps, { caller: { sessionId: id, keyHash }, body });
  if (turn.kind === 'begun') await finishTurn(deps, turn);
}
