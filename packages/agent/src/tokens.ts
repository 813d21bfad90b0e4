/** Counting tokens. Counts guard the hold: whatever a text holds, counting takes time that grows with its length alone. */
import { countTokens as countWhole, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';

import type { Prompt, Usage } from './agent.ts';

/** What a chat format adds to each message: the markers of its role and of its ends. */
export const MESSAGE_OVERHEAD_TOKENS = 4;

/**
 * The longest stretch, in UTF-16 code units, that is merged in one go. Merging takes quadratic time, and the encoding's
 * own pieces have no bound: 100,000 spaces are one piece and took 3 seconds. Ordinary words are shorter and stay whole.
 */
export const MAX_PIECE_LENGTH = 128;

// The tokenizer's cache would keep what people say, each entry holding on to the whole text that it was cut from.
setMergeCacheSize(0);

/** Without one of these no piece is too long: at its longest it is a character, a word, and line ends or slashes. */
const LONG_STRETCH = /\S{63}|\s{63}|[\r\n/]{63}/;

/** A spelled-out special token such as `<|endoftext|>`, for which the tokenizer would throw, is text like any other. */
const ALL_IS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * A text's tokens as o200k_base counts them; within about a percent of that where the text has unbroken stretches longer
 * than `MAX_PIECE_LENGTH`. Takes any string, lone surrogates too.
 */
export function countTokens(text: string): number {
  if (!LONG_STRETCH.test(text)) return countWhole(text, ALL_IS_TEXT);
  let tokens = 0;
  for (const piece of splitIntoPieces(text)) tokens += countWhole(piece, ALL_IS_TEXT);
  return tokens;
}

/** The encoding's own pieces, cut so that none is longer than `MAX_PIECE_LENGTH` and no surrogate pair is torn. */
export function* splitIntoPieces(text: string): Generator<string> {
  for (const [piece] of text.matchAll(O200K_TOKEN_SPLIT_REGEX)) {
    for (let start = 0; start < piece.length;) {
      const end = endOfCut(piece, start);
      yield piece.slice(start, end);
      start = end;
    }
  }
}

function endOfCut(piece: string, start: number): number {
  const end = start + MAX_PIECE_LENGTH;
  const tearsPair = end < piece.length && (piece.codePointAt(end - 1) ?? 0) > 0xffff;
  return tearsPair ? end - 1 : end;
}

export interface UncountedReply {
  readonly prompt: Prompt;
  readonly overheadTokens: number;
  readonly reply: string;
}

/** Our own count of a turn's tokens, for a provider that reports none. Its input is never zero. */
export function estimateUsage({ prompt, overheadTokens, reply }: UncountedReply): Usage {
  let inputTokens = overheadTokens + countTokens(prompt.message) + MESSAGE_OVERHEAD_TOKENS;
  for (const { content } of prompt.history) inputTokens += countTokens(content) + MESSAGE_OVERHEAD_TOKENS;
  return { inputTokens, outputTokens: countTokens(reply) };
}
