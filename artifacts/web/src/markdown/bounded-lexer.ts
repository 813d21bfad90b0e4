/**
 * Markdown in bounded work, whatever the text is: what marked would need too long for becomes a token `plain`, and is shown as it
 * was written. The bounds are far from what people and models write; they are counted, not timed, so that a text looks the same
 * on every machine.
 */
import { Hooks, Lexer, Marked, type Token, Tokenizer, type Tokens } from 'marked';

import { isHeavy } from '../heavy-text.ts';
import { beginOfDisplayMath, displayMathAt, inlineMathAt, maskMath, mayHaveMath } from './math.ts';

/** Past this a text is not Markdown any more. */
const MAX_LENGTH = 50_000;
/** Lists in quotes in lists. */
const MAX_DEPTH = 12;
/** Paragraphs, headings, items: what becomes an element. */
const MAX_BLOCKS = 1000;
const MAX_ROWS = 300;
const MAX_COLUMNS = 40;
/** Lines that a list is read in at once: the rest of it is the next list, with the numbers that are written there. */
const LIST_LINES = 500;
/** For all of a text, in the measure of `workOf`: about 100 ms on a small machine. */
const MAX_WORK = 20_000_000;

export interface PlainToken {
  readonly type: 'plain';
  readonly raw: string;
  readonly text: string;
}

export const plainToken = (text: string): PlainToken => ({ type: 'plain', raw: text, text });

/** How much of it was lexed before: it counts. */
interface LexedBefore {
  readonly length: number;
  readonly blocks: number;
}

/** The blocks of a text; the last one holds, plainly, what is too much. */
export function lexBlocks(text: string, { length, blocks }: LexedBefore = { length: 0, blocks: 0 }): Token[] {
  const normal = text.replaceAll(/\r\n?/g, '\n');
  if (isHeavy(normal)) return [plainToken(normal)];
  const end = endOfMarkdown(normal, MAX_LENGTH - length);
  const tokens = new BoundedLexer(MAX_BLOCKS - blocks).lexAll(normal.slice(0, end));
  return end < normal.length ? [...tokens, plainToken(normal.slice(end))] : tokens;
}

/** All of it, or up to the last paragraph that fits, or the last line. */
function endOfMarkdown(text: string, maxLength: number): number {
  if (text.length <= maxLength) return text.length;
  if (maxLength <= 0) return 0;
  const paragraph = text.lastIndexOf('\n\n', maxLength);
  if (paragraph > maxLength / 2) return paragraph + 2;
  return text.lastIndexOf('\n', maxLength) + 1;
}

class BoundedLexer extends Lexer {
  readonly #tokenizer: BoundedTokenizer;
  #blocksLeft: number;
  #workLeft = MAX_WORK;
  #inlineSource = '';

  constructor(maxBlocks: number) {
    const hooks = new Hooks();
    const tokenizer = new BoundedTokenizer();
    super({ ...settings, hooks, tokenizer });
    this.#tokenizer = tokenizer;
    this.#blocksLeft = maxBlocks;
    hooks.emStrongMask = (mask) => maskMath(this.#inlineSource, mask);
  }

  lexAll(text: string): Token[] {
    try {
      this.blockTokens(text, this.tokens);
    } catch {
      return [plainToken(text)];
    }
    for (const { src, tokens } of this.inlineQueue) this.#lexInline(src, tokens);
    return this.tokens;
  }

  #lexInline(source: string, tokens: Token[]): void {
    const work = workOf(source);
    if (work > this.#workLeft) return void tokens.push(plainToken(source));
    this.#workLeft -= work;
    this.state.inRawBlock = false;
    try {
      this.inlineTokens(source, tokens);
    } catch {
      tokens.splice(0, Infinity, plainToken(source));
    }
  }

  override inlineTokens(source: string, tokens?: Token[]): Token[] {
    this.#inlineSource = source;
    return super.inlineTokens(source, tokens);
  }

  /** Asked before each block. */
  isTooMuch(): boolean {
    this.#blocksLeft -= 1;
    return this.#blocksLeft < 0 || this.#tokenizer.depth > MAX_DEPTH;
  }
}

class BoundedTokenizer extends Tokenizer {
  /** How many lists and quotes surround what is read now. */
  depth = 0;

  override blockquote(source: string): Tokens.Blockquote | undefined {
    return this.#inside(() => super.blockquote(source));
  }

  override list(source: string): Tokens.List | undefined {
    if (!/^ {0,3}(?:[*+-]|\d{1,9}[.)])(?:\s|$)/.test(source)) return undefined;
    return this.#inside(() => super.list(firstLines(source, LIST_LINES)));
  }

  #inside<T>(read: () => T): T {
    this.depth += 1;
    try {
      return read();
    } finally {
      this.depth -= 1;
    }
  }

  override table(source: string): Tokens.Table | undefined {
    const columns = /^[^\n]*\n([ \t]*[|:-][|: \t-]*)(?:\n|$)/.exec(source)?.[1]?.split('|').length;
    if (columns === undefined || columns > MAX_COLUMNS) return undefined;
    return super.table(firstLines(source, MAX_ROWS + 2));
  }

  /** One tilde is one tilde: "H~2~O", "~3 to ~5". */
  override del(...[source, mask, previous]: Parameters<Tokenizer['del']>): Tokens.Del | undefined {
    return source.startsWith('~~') ? super.del(source, mask, previous) : undefined;
  }
}

const settings = new Marked({
  extensions: [
    {
      name: 'math',
      level: 'block',
      start: beginOfDisplayMath,
      tokenizer(source) {
        if (this.lexer instanceof BoundedLexer && this.lexer.isTooMuch()) return plainToken(source);
        const raw = mayHaveMath(source.slice(0, 5)) ? displayMathAt(source) : undefined;
        return raw === undefined ? undefined : { type: 'math', raw, text: raw.trim(), display: true };
      },
    },
    {
      name: 'inlineMath',
      level: 'inline',
      start: (source) => source.indexOf('$'),
      tokenizer(source) {
        const raw = mayHaveMath(source.slice(0, 2)) ? inlineMathAt(source) : undefined;
        return raw === undefined ? undefined : { type: 'math', raw, text: raw };
      },
    },
  ],
}).defaults;

/**
 * What marked does with a line of text grows with the marks in it times its length, since each may look for its partner to the
 * end, and with the square of a word, in which it looks for addresses.
 */
function workOf(source: string): number {
  const marks = source.match(/[*_~`[\]()<>!&\\$\n]/g)?.length ?? 0;
  let work = marks * source.length;
  for (const [word] of source.matchAll(/\S{200,}/g)) work += word.length ** 2;
  return work;
}

function firstLines(text: string, count: number): string {
  let end = -1;
  for (let line = 0; line < count; line += 1) {
    end = text.indexOf('\n', end + 1);
    if (end < 0) return text;
  }
  return text.slice(0, end + 1);
}
