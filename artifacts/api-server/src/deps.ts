import type { Agent, Prices } from '@timmy-tower/agent';
import type { RequestLimits } from '@timmy-tower/contract';
import type { Database } from '@timmy-tower/db';
import type { Wallet } from '@timmy-tower/lightning';
import type { Logger } from 'pino';

import type { PageFile } from './page.ts';
import type { JoinedReplies } from './sessions/joined-replies.ts';
import type { KnownKeys } from './sessions/known-keys.ts';
import type { RunningTurns } from './sessions/running-turns.ts';
import type { SessionQueues } from './sessions/session-queues.ts';
import type { WatchedSessions } from './sessions/watched-sessions.ts';

/** How long a model may take. */
export interface ModelTimeLimits {
  /** Without a sign of life, once it has begun to think or to speak: it broke off. */
  readonly silenceMs: number;
  /** In all: what it has said by then is the reply. */
  readonly totalMs: number;
}

/** What the use cases work with. `main.ts` builds it, and so does every test. */
export interface Deps {
  readonly db: Database;
  readonly wallet: Wallet;
  readonly agent: Agent;
  readonly log: Logger;
  readonly runningTurns: RunningTurns;
  readonly watchedSessions: WatchedSessions;
  readonly joinedReplies: JoinedReplies;
  readonly queues: SessionQueues;
  readonly limits: RequestLimits;
  readonly prices: Prices;
  readonly modelTimeLimits: ModelTimeLimits;
  readonly agentName: string;
  readonly sessionIdleDays: number;
  readonly newSessionsPerMinute: number;
  /** How many proxies in front tell the truth in `X-Forwarded-For`. */
  readonly trustedProxies: number;
  /** Whose pages may call: none but our own, or these origins, or `*`. */
  readonly corsOrigins: readonly string[];
  readonly knownKeys: KnownKeys;
  /** What `GET /` serves; without it, the way to the API's reference. */
  readonly page?: readonly PageFile[] | undefined;
}
