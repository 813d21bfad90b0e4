/**
 * What callers of one session may ask for at once, and those of all sessions together. It bounds what a session can cost, what
 * one whose lock is held by somebody who does not let go can take from the others (connections of the pool), and what many
 * that were paid can take from this server.
 */
import { AppError } from '@timmy-tower/contract';
import { TIME_LIMITS_MS } from '@timmy-tower/db';

import { Gate, type GateLimits } from './gate.ts';

interface QueueLimits extends GateLimits {
  /** Of all sessions together: how much runs at once, and how much more may wait, no longer than behind its own session's. */
  readonly inAll: Omit<GateLimits, 'patienceMs'>;
}

/** Work of each session in the order it came, of different sessions at once. */
export class SessionQueue {
  readonly #limits: QueueLimits;
  readonly #gates = new Map<string, Gate>();
  readonly #everybody: Gate;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    const refusals = { tooMany: serverBusy, tooLong: serverBusy };
    this.#everybody = new Gate({ ...limits.inAll, patienceMs: limits.patienceMs }, refusals);
  }

  /**
   * @throws {AppError} `rate-limited` when too much of the session waits already; `unavailable` when too much of all sessions
   * does, or when it had to wait for too long
   */
  async run<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    const gate =
      this.#gates.get(sessionId) ?? new Gate(this.#limits, { tooMany: tooManyAtOnce, tooLong: waitedTooLong });
    this.#gates.set(sessionId, gate);
    return within(gate, () => within(this.#everybody, work)).finally(() => {
      if (gate.isEmpty) this.#gates.delete(sessionId);
    });
  }
}

async function within<T>(gate: Gate, work: () => Promise<T>): Promise<T> {
  await gate.enter();
  try {
    return await work();
  } finally {
    gate.leave();
  }
}

export interface SessionQueues {
  /** Making invoices, one after the other: an unpaid one is given again. */
  readonly funding: SessionQueue;
  /** Letting turns in and forgetting, under the session's lock. */
  readonly locking: SessionQueue;
  /** Reckoning what a turn would cost, with what is to be said in memory. */
  readonly estimating: SessionQueue;
  /** Looking for what to recall, in a million characters at most. */
  readonly recalling: SessionQueue;
  /** Waiting for the end of a turn that another server runs. */
  readonly cancelling: SessionQueue;
  /** Receiving what is to be said, half a megabyte at most. */
  readonly receiving: SessionQueue;
  /** Sending pages of the conversation, many megabytes at most, until they are taken. */
  readonly sending: SessionQueue;
}

export function createSessionQueues(): SessionQueues {
  return {
    funding: new SessionQueue({
      atOnce: 1,
      waiting: 8,
      patienceMs: TIME_LIMITS_MS.settle,
      inAll: { atOnce: 32, waiting: 1000 },
    }),
    locking: new SessionQueue({
      atOnce: 3,
      waiting: 64,
      patienceMs: TIME_LIMITS_MS.lock,
      inAll: { atOnce: 64, waiting: 1000 },
    }),
    estimating: new SessionQueue({
      atOnce: 1,
      waiting: 8,
      patienceMs: TIME_LIMITS_MS.settle,
      inAll: { atOnce: 16, waiting: 1000 },
    }),
    recalling: new SessionQueue({
      atOnce: 1,
      waiting: 16,
      patienceMs: TIME_LIMITS_MS.settle,
      inAll: { atOnce: 16, waiting: 1000 },
    }),
    cancelling: new SessionQueue({
      atOnce: 1,
      waiting: 16,
      patienceMs: 2 * TIME_LIMITS_MS.lease,
      inAll: { atOnce: 32, waiting: 1000 },
    }),
    receiving: new SessionQueue({
      atOnce: 8,
      waiting: 64,
      patienceMs: TIME_LIMITS_MS.settle,
      inAll: { atOnce: 256, waiting: 1000 },
    }),
    sending: new SessionQueue({
      atOnce: 4,
      waiting: 64,
      patienceMs: TIME_LIMITS_MS.settle,
      inAll: { atOnce: 64, waiting: 1000 },
    }),
  };
}

const tooManyAtOnce = () =>
  new AppError('rate-limited', 'Too many calls of this kind at once: wait for the answers to the others.', {
    fields: { retryAfterSeconds: 1 },
  });

const waitedTooLong = () =>
  new AppError('unavailable', 'Other calls of this session take too long. Nothing was done: try again in a moment.', {
    fields: { retryAfterSeconds: TIME_LIMITS_MS.lock / 1000 },
  });

const serverBusy = () =>
  new AppError(
    'unavailable',
    'Too many calls of this kind at once on this server. Nothing was done: try again in a moment.',
    {
      fields: { retryAfterSeconds: TIME_LIMITS_MS.lock / 1000 },
    },
  );
