import type { AppError } from '@timmy-tower/contract';

export interface GateLimits {
  /** How many are in at once. */
  readonly atOnce: number;
  /** How many more may wait. */
  readonly waiting: number;
  /** How long they may wait. */
  readonly patienceMs: number;
}

export interface GateRefusals {
  readonly tooMany: () => AppError;
  readonly tooLong: () => AppError;
}

/** Lets in so many at once, in the order they came. */
export class Gate {
  readonly #limits: GateLimits;
  readonly #refusals: GateRefusals;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(limits: GateLimits, refusals: GateRefusals) {
    this.#limits = limits;
    this.#refusals = refusals;
  }

  get isEmpty(): boolean {
    return this.#inside === 0;
  }

  /** Whoever came in leaves again. @throws {AppError} when too many wait already, or this one waited for too long */
  async enter(): Promise<void> {
    const { atOnce, waiting, patienceMs } = this.#limits;
    if (this.#inside < atOnce) {
      this.#inside += 1;
      return;
    }
    if (this.#waiting.size >= waiting) throw this.#refusals.tooMany();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const patience = setTimeout(() => {
      this.#waiting.delete(resolve);
      reject(this.#refusals.tooLong());
    }, patienceMs);
    await promise.finally(() => clearTimeout(patience));
  }

  /** Who waits takes the place of who leaves. */
  leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
