import type { Token } from 'marked';

import { lexBlocks, plainToken } from './bounded-lexer.ts';

/** What comes next can still change this many blocks at the end: a list goes on after an empty line. */
const UNFINISHED = 2;
/** A longer end than this is not lexed again for each word: what came since is shown plainly until it is a part of it that counts. */
const LONG_END = 4000;
const PART_THAT_COUNTS = 1 / 16;

/**
 * Lexes a text that grows at its end: a block that is finished is not lexed again, however long the text becomes. A link
 * whose target is defined in another block stays as it was written, until the whole text is lexed.
 */
export class GrowingLexer {
  #finished: Token[] = [];
  #finishedText = '';
  #lexed: { readonly text: string; readonly tokens: Token[] } = { text: '', tokens: [] };

  lex(text: string): Token[] {
    const normal = text.replaceAll(/\r\n?/g, '\n');
    if (!normal.startsWith(this.#lexed.text)) {
      this.#finished = [];
      this.#finishedText = '';
    } else if (!this.#isWorthIt(normal)) {
      const since = normal.slice(this.#lexed.text.length);
      return since === '' ? this.#lexed.tokens : [...this.#lexed.tokens, plainToken(since)];
    }
    const tokens = this.#lexTail(normal);
    this.#lexed = { text: normal, tokens };
    return tokens;
  }

  #isWorthIt(text: string): boolean {
    const since = text.length - this.#lexed.text.length;
    const end = text.length - this.#finishedText.length;
    return end <= LONG_END || since >= end * PART_THAT_COUNTS;
  }

  #lexTail(text: string): Token[] {
    const { length } = this.#finishedText;
    const tail = lexBlocks(text.slice(length), { length, blocks: this.#finished.length });
    const tokens = [...this.#finished, ...tail];
    const finished = tail.slice(0, beginOfUnfinished(tail));
    const finishedText = this.#finishedText + finished.map(({ raw }) => raw).join('');
    if (text.startsWith(finishedText)) {
      this.#finished = [...this.#finished, ...finished];
      this.#finishedText = finishedText;
    }
    return tokens;
  }
}

function beginOfUnfinished(tokens: readonly Token[]): number {
  let unfinished = 0;
  for (let index = tokens.length - 1; index >= 0; index -= 1) {
    if (tokens[index]!.type === 'space') continue;
    unfinished += 1;
    if (unfinished === UNFINISHED) return index;
  }
  return 0;
}
