/** Counting tokens. Counts guard the hold: whatever a text holds, counting takes time that grows with its length alone. */
import { countTokens as countPiece, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
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

/**
 * A text's tokens as o200k_base counts them; within about a percent of that where the text has unbroken stretches longer
 * than `MAX_PIECE_LENGTH`. Takes any string, lone surrogates too. A spelled-out special token such as `<|endoftext|>` is text like
 * any other: no piece holds a whole one, for which the tokenizer would throw.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  for (const piece of splitIntoPieces(text)) tokens += countPiece(piece);
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
