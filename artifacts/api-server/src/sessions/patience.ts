import type { ModelTimeLimits } from '../deps.ts';
import type { RunningTurn } from './running-turns.ts';

/** Models load, read and think for minutes before their first word: until then silence may last so many times as long. */
const FIRST_WORD_PATIENCE = 5;

/** Stops a turn that is silent for too long, or that takes too long in all. */
export class Patience implements Disposable {
  readonly #turn: RunningTurn;
  readonly #limits: ModelTimeLimits;
  readonly #total: NodeJS.Timeout;
  #silence: NodeJS.Timeout;
  #hasWords = false;

  constructor(turn: RunningTurn, limits: ModelTimeLimits) {
    this.#turn = turn;
    this.#limits = limits;
    this.#total = setTimeout(() => turn.stop('too-long'), limits.totalMs);
    this.#silence = this.#await(FIRST_WORD_PATIENCE * limits.silenceMs);
  }

  /** After any sign of life. */
  renew(isWord: boolean): void {
    if (this.#hasWords || !isWord) {
      this.#silence.refresh();
      return;
    }
    this.#hasWords = true;
    clearTimeout(this.#silence);
    this.#silence = this.#await(this.#limits.silenceMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
  }

  #await(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#turn.stop('silent'), ms);
  }
}
