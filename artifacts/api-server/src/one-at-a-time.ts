import { AppError } from '@timmy-tower/contract';

const MOST_WAITING = 8;

/** Work of one key runs in turn, of different keys at once. What waits is bounded, so that no key can pile up work. */
export class OneAtATime {
  readonly #queues = new Map<string, { last: Promise<unknown>; waiting: number }>();

  /** @throws {AppError} `rate-limited` when too much of this key waits already */
  async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting > MOST_WAITING) {
      throw new AppError('rate-limited', 'Too many calls of this kind at once: wait for the answers to the others.', {
        fields: { retryAfterSeconds: 1 },
      });
    }
    queue.waiting += 1;
    const result = queue.last.then(work);
    queue.last = result.catch(() => {});
    this.#queues.set(key, queue);
    try {
      return await result;
    } finally {
      queue.waiting -= 1;
      if (queue.waiting === 0) this.#queues.delete(key);
    }
  }
}
