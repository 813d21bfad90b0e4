/** Some models think aloud in their reply: `<think>…</think>`, then what they say. In lower case. */
import { said, type WireEvent } from './wire-event.ts';

const TAGS: readonly (readonly [opening: string, closing: string])[] = [
  ...['think', 'thinking', 'thought', 'reasoning', 'seed:think'].map((name) => [`<${name}>`, `</${name}>`] as const),
  // Magistral, Kimi, Command A and gpt-oss, where nobody took them out (their chat templates, read 2026-11).
  ['[think]', '[/think]'],
  ['◁think▷', '◁/think▷'],
  ['<|start_thinking|>', '<|end_thinking|>'],
  ['<|channel|>analysis<|message|>', '<|channel|>final<|message|>'],
];
/** A model that says nothing but white space is not waited for: somebody has to count it. */
const MOST_BLANK_LENGTH = 1024;

/** Tells thoughts at the beginning of a reply from the reply, however the text is cut. */
export class ThinkTags {
  /** What may still become a tag. */
  #held = '';
  #state: 'beginning' | 'thinking' | 'speaking' = 'beginning';
  #closing = '';
  #hasThought = false;

  push(text: string): WireEvent[] {
    if (this.#state === 'speaking') return said('text', text);
    this.#held += text;
    return this.#read();
  }

  /** What was held back, at the end of the stream. */
  end(): WireEvent[] {
    const held = this.#held;
    this.#held = '';
    return said(this.#state === 'thinking' ? 'reasoning' : 'text', held);
  }

  #read(): WireEvent[] {
    return this.#state === 'thinking' ? this.#think() : this.#begin();
  }

  #begin(): WireEvent[] {
    const start = this.#held.trimStart();
    const tag = TAGS.find(([opening]) => start.slice(0, opening.length).toLowerCase() === opening);
    if (tag) {
      const [opening, closing] = tag;
      this.#held = start.slice(opening.length);
      this.#closing = closing;
      this.#state = 'thinking';
      this.#hasThought = true;
      return this.#think();
    }
    if (mayOpen(start) && this.#held.length <= MOST_BLANK_LENGTH) return [];
    this.#state = 'speaking';
    return said('text', this.#take(this.#hasThought ? start : this.#held));
  }

  #think(): WireEvent[] {
    const end = this.#held.search(new RegExp(RegExp.escape(this.#closing), 'i'));
    if (end === -1) {
      const safe = this.#held.length - tailOf(this.#held, this.#closing);
      return said('reasoning', this.#take(this.#held.slice(0, safe), safe));
    }
    const thought = this.#take(this.#held.slice(0, end), end + this.#closing.length);
    this.#state = 'beginning';
    return [...said('reasoning', thought), ...this.#begin()];
  }

  #take(text: string, length = this.#held.length): string {
    this.#held = this.#held.slice(length);
    return text;
  }
}

function mayOpen(start: string): boolean {
  return TAGS.some(([opening]) => opening.startsWith(start.toLowerCase()));
}

/** How much of the end of the text may be the beginning of the tag. */
function tailOf(text: string, tag: string): number {
  let length = Math.min(tag.length - 1, text.length);
  while (!tag.startsWith(text.slice(text.length - length).toLowerCase())) length -= 1;
  return length;
}
