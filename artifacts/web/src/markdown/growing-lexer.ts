import { marked, type Token } from 'marked';

/** The blocks of a text. One that cannot be read as Markdown is one block. */
export function lexBlocks(text: string): Token[] {
  try {
    return marked.lexer(text);
  } catch {
    return [{ type: 'text', raw: text, text }];
  }
}

/** What comes next can still change this many blocks at the end: a list goes on after an empty line. */
const UNFINISHED = 2;

/**
 * Lexes a text that grows at its end: a block that is finished is not lexed again, however long the text becomes. A link
 * whose target is defined in another block stays as it was written, until the whole text is lexed.
 */
export class GrowingLexer {
  #finished: Token[] = [];
  #finishedText = '';

  lex(text: string): Token[] {
    const normal = text.replaceAll(/\r\n?/g, '\n');
    if (!normal.startsWith(this.#finishedText)) {
      this.#finished = [];
      this.#finishedText = '';
    }
    const tail = lexBlocks(normal.slice(this.#finishedText.length));
    const tokens = [...this.#finished, ...tail];
    const finished = tail.slice(0, beginOfUnfinished(tail));
    const finishedText = this.#finishedText + finished.map(({ raw }) => raw).join('');
    if (normal.startsWith(finishedText)) {
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
