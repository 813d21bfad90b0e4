/**
 * What callers of one session may ask for at once. It bounds what a session can cost, and what one whose lock is held by
 * somebody who does not let go can take from the others: connections of the pool.
 */
import { AppError } from '@timmy-tower/contract';
import { TIME_LIMITS_MS } from '@timmy-tower/db';

interface QueueLimits {
  /** How much of a session's work runs at once. */
  readonly atOnce: number;
  /** How much more may wait. */
  readonly waiting: number;
  /** How long it may wait. */
  readonly patienceMs: number;
}

interface Queue {
  running: number;
  readonly waiting: Set<() => void>;
}

/** Work of each session in the order it came, of different sessions at once. */
export class SessionQueue {
  readonly #limits: QueueLimits;
  readonly #queues = new Map<string, Queue>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** @throws {AppError} `rate-limited` when too much waits already, `unavailable` when it had to wait for too long */
  async run<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(sessionId) ?? { running: 0, waiting: new Set() };
    this.#queues.set(sessionId, queue);
    await this.#enter(queue);
    try {
      return await work();
    } finally {
      this.#leave(sessionId, queue);
    }
  }

  async #enter(queue: Queue): Promise<void> {
    const { atOnce, waiting, patienceMs } = this.#limits;
    if (queue.running < atOnce) {
      queue.running += 1;
      return;
    }
    if (queue.waiting.size >= waiting) throw tooManyAtOnce();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    queue.waiting.add(resolve);
    const patience = setTimeout(() => {
      queue.waiting.delete(resolve);
      reject(waitedTooLong());
    }, patienceMs);
    await promise.finally(() => clearTimeout(patience));
  }

  /** Who waits takes the place of who leaves. */
  #leave(sessionId: string, queue: Queue): void {
    const [next] = queue.waiting;
    if (next) {
      queue.waiting.delete(next);
      next();
      return;
    }
    queue.running -= 1;
    if (queue.running === 0) this.#queues.delete(sessionId);
  }
}

export interface SessionQueues {
  /** Making invoices, one after the other: an unpaid one is given again. */
  readonly funding: SessionQueue;
  /** Letting turns in and forgetting, under the session's lock. */
  readonly locking: SessionQueue;
  /** Waiting for the end of a turn that another server runs. */
  readonly cancelling: SessionQueue;
  /** Receiving what is to be said, half a megabyte at most. */
  readonly receiving: SessionQueue;
  /** Sending pages of the conversation, many megabytes at most, until they are taken. */
  readonly sending: SessionQueue;
}

export function createSessionQueues(): SessionQueues {
  return {
    funding: new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: TIME_LIMITS_MS.settle }),
    locking: new SessionQueue({ atOnce: 3, waiting: 64, patienceMs: TIME_LIMITS_MS.lock }),
    cancelling: new SessionQueue({ atOnce: 1, waiting: 16, patienceMs: 2 * TIME_LIMITS_MS.lease }),
    receiving: new SessionQueue({ atOnce: 8, waiting: 64, patienceMs: TIME_LIMITS_MS.settle }),
    sending: new SessionQueue({ atOnce: 4, waiting: 64, patienceMs: TIME_LIMITS_MS.settle }),
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
