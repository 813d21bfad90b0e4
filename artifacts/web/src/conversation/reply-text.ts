import { Store } from '../store.ts';

/** A reply as it arrives, told at most once a frame, however many words a frame brings. */
export class ReplyText extends Store<string> {
  #arrived = '';
  #frame: number | undefined;

  constructor() {
    super('');
  }

  append(text: string): void {
    this.#arrived += text;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.set(this.#arrived);
    });
  }

  clear(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#arrived = '';
    this.set('');
  }
}
