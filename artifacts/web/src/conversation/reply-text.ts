import { Store } from '../store.ts';

/** A text as it arrives, told at most once a frame, however many words a frame brings. */
class ArrivingText extends Store<string> {
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

/** A reply as it arrives, and what the model thinks on the way: shown meanwhile, and kept nowhere. */
export class ReplyText extends ArrivingText {
  readonly thoughts = new ArrivingText();

  override clear(): void {
    super.clear();
    this.thoughts.clear();
  }
}
