/**
 * Keeps a reply within what was paid for, whatever the provider does: what streams is counted, and what is clearly past the
 * limit is not let through. Money stands on this.
 */
import { inSlices } from './slices.ts';
import { countBlock, MAX_LENGTH_AT_ONCE, splitIntoBlocks } from './tokens.ts';

/** Other tokenizers count otherwise than ours: no reply is cut that one of them may have kept within the limit. */
const TOLERANCE = 1.25;
const TOLERATED_TOKENS = 32;
/** A UTF-16 code unit is three bytes at most, and a token one at least. */
const MOST_TOKENS_PER_UNIT = 3;

export class OutputMeter {
  readonly #limit: number;
  /** What is known to have been used, and the text since: as long as it cannot matter, nothing is counted. */
  #counted = 0;
  #uncounted = '';
  #isFull = false;

  constructor(maxOutputTokens: number) {
    this.#limit = Math.floor(TOLERANCE * maxOutputTokens + Math.min(TOLERATED_TOKENS, maxOutputTokens));
  }

  /** True once something did not fit: nothing does any more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** @returns as much of the text as fits */
  async take(text: string): Promise<string> {
    if (this.#isFull) return '';
    const most = (this.#uncounted.length + text.length) * MOST_TOKENS_PER_UNIT;
    if (this.#counted + most <= this.#limit) {
      this.#uncounted += text;
      return text;
    }
    const steps = this.#measure(text);
    return this.#uncounted.length + text.length <= MAX_LENGTH_AT_ONCE ? atOnce(steps) : inSlices(steps);
  }

  *#measure(text: string): Generator<void, string> {
    for (const block of splitIntoBlocks(this.#uncounted)) {
      this.#counted += countBlock(block);
      yield;
    }
    this.#uncounted = '';
    let fitting = 0;
    for (const block of splitIntoBlocks(text)) {
      const tokens = countBlock(block);
      if (this.#counted + tokens > this.#limit) {
        this.#isFull = true;
        return text.slice(0, fitting + this.#fit(block));
      }
      this.#counted += tokens;
      fitting += block.length;
      yield;
    }
    return text;
  }

  /** How long a beginning of the block still fits. */
  #fit(block: string): number {
    let least = 0;
    let most = block.length;
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (this.#counted + countBlock(block.slice(0, middle)) > this.#limit) most = middle - 1;
      else least = middle;
    }
    const tearsPair = /[\uD800-\uDBFF]$/.test(block.slice(0, least));
    return tearsPair ? least - 1 : least;
  }
}

function atOnce<T>(steps: Iterator<void, T>): T {
  while (true) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
