/** The readers of sessions that were never paid: whoever pays nothing holds only so many streams. */
import { AppError } from '@timmy-tower/contract';

import type { SessionReader } from './session-reader.ts';

/** A thousand people behind one address may wait for their first payment at once. */
export const MOST_UNPAID_OF_NETWORK = 1024;
export const MOST_UNPAID = 5000;
const RETRY_AFTER_SECONDS = 5;

export class UnpaidReaders {
  readonly #readers = new Set<Pick<SessionReader, 'network'>>();
  readonly #ofNetwork = new Map<string, number>();

  /** @throws {AppError} `rate-limited` when no more of this network, or of all, may come */
  admit(network: string): void {
    if ((this.#ofNetwork.get(network) ?? 0) >= MOST_UNPAID_OF_NETWORK) throw tooMany('from this address');
    if (this.#readers.size >= MOST_UNPAID) throw tooMany('on this server');
  }

  add(reader: Pick<SessionReader, 'network'>): void {
    this.#readers.add(reader);
    this.#ofNetwork.set(reader.network, (this.#ofNetwork.get(reader.network) ?? 0) + 1);
  }

  /** It left, or its session was paid. One that is not counted here changes nothing. */
  delete(reader: Pick<SessionReader, 'network'>): void {
    if (!this.#readers.delete(reader)) return;
    const left = this.#ofNetwork.get(reader.network)! - 1;
    if (left > 0) this.#ofNetwork.set(reader.network, left);
    else this.#ofNetwork.delete(reader.network);
  }
}

function tooMany(where: string): AppError {
  return new AppError(
    'rate-limited',
    `Too many streams of sessions that are not paid yet ${where}. Ask GET /sessions/{id} every few seconds instead.`,
    { fields: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
  );
}
