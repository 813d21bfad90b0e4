/**
 * Counting tokens. Counts guard the hold: whatever a text holds, counting takes time that grows with its length alone, and
 * never keeps the event loop for more than a few milliseconds at a time.
 */
import { countTokens as countWhole, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';

import { inSlices } from './slices.ts';

/** What a chat format adds to each message: the markers of its role and of its ends. */
export const MESSAGE_OVERHEAD_TOKENS = 4;
/**
 * The longest stretch, in UTF-16 code units, that is merged in one go. Merging takes quadratic time, and the encoding's
 * own pieces have no bound: 100,000 spaces are one piece and took 3 seconds. Ordinary words are shorter and stay whole.
 */
export const MAX_PIECE_LENGTH = 128;
/** A text of up to this many UTF-16 code units is counted at once: 3 ms for what takes longest, Chinese without a space. */
export const MAX_LENGTH_AT_ONCE = 1024;

// The tokenizer's cache would keep what people say, each entry holding on to the whole text that it was cut from.
setMergeCacheSize(0);

/** A spelled-out special token such as `<|endoftext|>`, for which the tokenizer would throw, is text like any other. */
const ALL_IS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * A text's tokens as o200k_base counts them; within about a percent of that where the text has unbroken stretches longer
 * than `MAX_PIECE_LENGTH`. Takes any string, lone surrogates too. A long one is counted in slices.
 */
export async function countTokens(text: string): Promise<number> {
  return text.length <= MAX_LENGTH_AT_ONCE ? countTokensAtOnce(text) : inSlices(countingSteps(text));
}

/** The same at once, for short texts and for when nobody waits: 100,000 Chinese characters take a quarter of a second. */
export function countTokensAtOnce(text: string): number {
  let tokens = 0;
  for (const block of splitIntoBlocks(text)) tokens += countBlock(block);
  return tokens;
}

function* countingSteps(text: string): Generator<void, number> {
  let tokens = 0;
  for (const block of splitIntoBlocks(text)) {
    tokens += countBlock(block);
    yield;
  }
  return tokens;
}

/** The tokens of one of a text's blocks or pieces. */
export function countBlock(block: string): number {
  return countWhole(block, ALL_IS_TEXT);
}

/** The encoding's own pieces, a few of them in each block; a piece that is too long is cut, each cut a block of its own. */
export function* splitIntoBlocks(text: string): Generator<string> {
  let start = 0;
  let end = 0;
  for (const { 0: piece, index } of text.matchAll(O200K_TOKEN_SPLIT_REGEX)) {
    const isLong = piece.length > MAX_PIECE_LENGTH;
    if (end > start && (isLong || index + piece.length - start > 2 * MAX_PIECE_LENGTH)) {
      yield text.slice(start, end);
      start = end;
    }
    end = index + piece.length;
    if (!isLong) continue;
    yield* cut(piece);
    start = end;
  }
  if (end > start) yield text.slice(start, end);
}

/** A piece in stretches that are short enough, without tearing a surrogate pair. */
function* cut(piece: string): Generator<string> {
  for (let start = 0; start < piece.length;) {
    const end = endOfCut(piece, start);
    yield piece.slice(start, end);
    start = end;
  }
}

function endOfCut(piece: string, start: number): number {
  const end = start + MAX_PIECE_LENGTH;
  const tearsPair = end < piece.length && (piece.codePointAt(end - 1) ?? 0) > 0xffff;
  return tearsPair ? end - 1 : end;
}
