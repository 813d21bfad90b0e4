/**
 * The turns that this server runs or is about to let in, and their leases. A lease is renewed every few seconds; a turn whose
 * lease cannot be kept is stopped at once, since another server may have ended it.
 */
import { randomUUID } from 'node:crypto';

import { AppError } from '@timmy-tower/contract';
import { type Database, renewLeases, TIME_LIMITS_MS, type TurnId, unlessLocked } from '@timmy-tower/db';
import type { Logger } from 'pino';

import { runEvery } from '../background.ts';
import { RunningReply } from './running-reply.ts';

export type StopReason = 'cancelled' | 'lease-lost' | 'shutting-down' | 'silent' | 'too-long';

/** Why a turn was stopped, as its signal's reason. */
export class TurnStopped extends Error {
  override readonly name = 'TurnStopped';
  readonly code: StopReason;
  constructor(reason: StopReason) {
    super(`the turn was stopped: ${reason}`);
    this.code = reason;
  }
}

export interface RunningTurn {
  readonly signal: AbortSignal;
  /** For whoever reads along. */
  readonly reply: RunningReply;
  readonly stop: (reason: StopReason) => void;
  /** It was let in: from now on its lease is renewed. */
  readonly begin: () => void;
  /** Takes it off the list: it has ended. Whoever reads its reply is told so, unless they know how. */
  readonly end: () => void;
}

interface Entry extends TurnId {
  readonly controller: AbortController;
  readonly reply: RunningReply;
  /** By this process's own steady clock: when the lease was last known to be ours. Undefined: not let in yet. */
  renewedAtMs: number | undefined;
}

const RENEWALS_PER_LEASE = 5;
/** Each holds a message, what its model is shown, a reply, and a connection to the model's provider. */
const MOST_TURNS = 1000;

export interface RunningTurnsOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly leaseMs?: number;
  readonly mostTurns?: number;
}

export class RunningTurns {
  /** Names this server in the leases. New with every start: a restarted server does not take over what it ran before. */
  readonly owner = randomUUID();
  readonly leaseMs: number;
  readonly #db: Database;
  readonly #mostTurns: number;
  readonly #turns = new Map<string, Entry>();
  readonly #stopRenewing: () => Promise<void>;
  #onIdle: (() => void) | undefined;
  #closing = false;

  constructor({ db, log, leaseMs = TIME_LIMITS_MS.lease, mostTurns = MOST_TURNS }: RunningTurnsOptions) {
    this.#db = db;
    this.#mostTurns = mostTurns;
    this.leaseMs = leaseMs;
    const run = () => this.#renew();
    this.#stopRenewing = runEvery(leaseMs / RENEWALS_PER_LEASE, 'renew leases', { log, run });
  }

  /** True once the server is shutting down: no new turn may begin. */
  get closing(): boolean {
    return this.#closing;
  }

  /**
   * Before it asks to be let in, so that the server does not close while it waits.
   * @throws {AppError} `unavailable` when this server runs as many as it may
   */
  add(turn: TurnId): RunningTurn {
    if (this.#turns.size >= this.#mostTurns) throw tooManyTurns();
    const controller = new AbortController();
    const reply = new RunningReply(turn.requestId);
    const entry: Entry = { ...turn, controller, reply, renewedAtMs: undefined };
    this.#turns.set(turn.requestId, entry);
    return {
      signal: controller.signal,
      reply,
      stop: (reason) => controller.abort(new TurnStopped(reason)),
      begin: () => {
        entry.renewedAtMs = performance.now();
      },
      end: () => {
        reply.fail(notLetIn());
        this.#turns.delete(turn.requestId);
        if (this.#turns.size === 0) this.#onIdle?.();
      },
    };
  }

  /** What is said in a turn of this session, if this server runs it. */
  findReply({ sessionId, requestId }: TurnId): RunningReply | undefined {
    const turn = this.#turns.get(requestId);
    return turn?.sessionId === sessionId ? turn.reply : undefined;
  }

  /** Cancels a turn if this server runs it. */
  cancel(requestId: string): void {
    this.#turns.get(requestId)?.controller.abort(new TurnStopped('cancelled'));
  }

  /** Lets running turns finish for up to `deadlineMs`; then stops them, and they fail without a charge. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    if (!(await this.#idleWithin(deadlineMs))) {
      for (const { controller } of this.#turns.values()) controller.abort(new TurnStopped('shutting-down'));
      await this.#idleWithin(deadlineMs);
    }
    await this.#stopRenewing();
  }

  async #idleWithin(ms: number): Promise<boolean> {
    if (this.#turns.size === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** All in one statement; one whose row is locked by somebody who does not let go must not cost the others their leases. */
  async #renew(): Promise<void> {
    const turns = [...this.#turns.values()].filter(({ renewedAtMs }) => renewedAtMs !== undefined);
    if (turns.length === 0) return;
    if (await unlessLocked(() => this.#renewTurns(turns))) return;
    for (const turn of turns) {
      // oxlint-disable-next-line no-await-in-loop -- leases have one connection
      await unlessLocked(() => this.#renewTurns([turn]));
    }
  }

  async #renewTurns(turns: readonly Entry[]): Promise<true> {
    const startedAtMs = performance.now();
    try {
      const kept = await renewLeases(this.#db, { owner: this.owner, leaseMs: this.leaseMs, turns });
      const renewed = new Map(kept.map((lease) => [lease.requestId, lease]));
      for (const turn of turns) {
        const lease = renewed.get(turn.requestId);
        if (!lease) turn.controller.abort(new TurnStopped('lease-lost'));
        else if (lease.cancelRequested) turn.controller.abort(new TurnStopped('cancelled'));
        else turn.renewedAtMs = startedAtMs;
      }
      return true;
    } catch (error) {
      for (const { controller, renewedAtMs = 0 } of turns) {
        const leaseRanOut = performance.now() - renewedAtMs > this.leaseMs;
        if (leaseRanOut) controller.abort(new TurnStopped('lease-lost'));
      }
      throw error;
    }
  }
}

const notLetIn = () =>
  new AppError('unavailable', 'This turn was not let in. Nothing was charged: try again in a moment.', {
    fields: { retryAfterSeconds: 1 },
  });

const tooManyTurns = () =>
  new AppError('unavailable', 'This server runs as many turns as it can. Nothing was charged: try again in a moment.', {
    fields: { retryAfterSeconds: 2 },
  });
