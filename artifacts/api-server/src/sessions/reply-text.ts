import { isBlank } from '@timmy-tower/contract';

/**
 * A text as it can be stored and sent: U+0000 is taken out, since PostgreSQL cannot hold it, and half a character (a lone
 * surrogate) waits for its other half. What is blank waits for a word: a text that says nothing is `''`.
 */
export class ReplyText {
  readonly #onText: (text: string) => void;
  #said = '';
  /** What is blank, as long as nothing was said. */
  #blank = '';
  /** A surrogate without its other half. */
  #half = '';

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  add(delta: string): void {
    const text = this.#half + delta.replaceAll('\0', '');
    this.#half = /[\uD800-\uDBFF]$/.test(text) ? text.slice(-1) : '';
    this.#take(text.slice(0, text.length - this.#half.length));
  }

  /** What was said in all. */
  end(): string {
    this.#take(this.#half);
    this.#half = '';
    return this.#said;
  }

  #take(text: string): void {
    if (this.#said === '' && isBlank(text)) {
      this.#blank += text;
    } else if (text !== '') {
      const whole = (this.#blank + text).toWellFormed();
      this.#blank = '';
      this.#said += whole;
      this.#onText(whole);
    }
  }
}
