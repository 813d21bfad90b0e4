/**
 * Which keys open a paid session. A key that was seen to do so is known for a minute, and costs nothing until then; any other
 * is looked up before anything else is done for its caller. However many wait, one statement at a time asks for all of them.
 */
import { AppError } from '@timmy-tower/contract';
import { type Db, findKeys } from '@timmy-tower/db';

import type { Caller } from './session-key.ts';

const KNOWN_MS = 60_000;
const MOST_KNOWN = 50_000;
const MOST_PER_LOOK = 500;
const MOST_WAITING = 5000;

/** `unknown`: no such session, or not one of its keys. */
export type Standing = 'paid' | 'unpaid' | 'unknown';

interface Waiting {
  readonly caller: Caller;
  readonly standing: PromiseWithResolvers<Standing>;
}

export class KnownKeys {
  readonly #db: Db;
  /** By hash, in the order they were seen: until when each is known, by this process's own steady clock. */
  readonly #known = new Map<string, number>();
  #waiting: Waiting[] = [];
  #looking = false;

  constructor(db: Db) {
    this.#db = db;
  }

  /** @throws {AppError} `unavailable` when too many wait to be told apart, or the database is out of reach */
  async standingOf(caller: Caller): Promise<Standing> {
    const knownUntil = this.#known.get(hexOf(caller));
    if (knownUntil !== undefined && knownUntil > performance.now()) return 'paid';
    if (this.#waiting.length >= MOST_WAITING) {
      throw new AppError('unavailable', 'Too many calls at once: try again in a moment.', {
        fields: { retryAfterSeconds: 1 },
      });
    }
    const standing = Promise.withResolvers<Standing>();
    this.#waiting.push({ caller, standing });
    void this.#look();
    return standing.promise;
  }

  /** It was just seen to open a paid session. */
  remember(caller: Caller): void {
    const hash = hexOf(caller);
    this.#known.delete(hash);
    this.#known.set(hash, performance.now() + KNOWN_MS);
    if (this.#known.size <= MOST_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, MOST_PER_LOOK);
      try {
        // oxlint-disable-next-line no-await-in-loop -- one statement at a time, whatever the load
        const standings = await this.#ask(asked);
        for (const { caller, standing } of asked) standing.resolve(standings.get(hexOf(caller)) ?? 'unknown');
      } catch (error) {
        for (const { standing } of asked) standing.reject(error);
      }
    }
    this.#looking = false;
  }

  async #ask(asked: readonly Waiting[]): Promise<Map<string, Standing>> {
    const standings = new Map<string, Standing>();
    for (const { status, ...caller } of await findKeys(
      this.#db,
      asked.map((waiting) => waiting.caller),
    )) {
      const isPaid = status !== 'awaiting_payment';
      if (isPaid) this.remember(caller);
      standings.set(hexOf(caller), isPaid ? 'paid' : 'unpaid');
    }
    return standings;
  }
}

/** A key names its session, so its hash does too. */
const hexOf = ({ keyHash }: Caller) => keyHash.toString('hex');
