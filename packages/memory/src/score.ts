/** How much each message has to do with a question: BM25 over the terms that they share, by this conversation's statistics. */
import { findTerms, rarityOf, sumHeld } from './find-terms.ts';
import { isAboutThem } from './gate.ts';
import { questionTerms } from './terms.ts';

/** BM25's usual constants: how soon a match is worth no more, and how much long messages are marked down. Both hardly matter. */
const K1 = 1.2;
const B = 0.75;
/** The answer often stands next to the words that are asked for: 8 of 100 questions more find it. */
const SHARE_OF_NEIGHBOUR = 0.6;

/**
 * A score for each message; all zero where even the best has too little to do with the question.
 * Yields where others may have their turn: after a message, and within long ones.
 */
export function* scoreMessages(contents: readonly string[], question: string): Generator<undefined, Float64Array> {
  const terms = yield* questionTerms(question);
  const found = yield* findTerms(contents, terms);
  if (!isAboutThem(terms, found)) return new Float64Array(contents.length);
  const rarity = Float64Array.from(found.holders, (holders) => rarityOf(holders, contents.length));
  const held = sumHeld(found, rarity);
  const average = found.lengths.reduce((sum, length) => sum + length, 0) / contents.length;
  const own = held.map((weight, index) => weight * saturation(found.lengths[index]! / average));
  return own.map((score, at) => score + SHARE_OF_NEIGHBOUR * Math.max(own[at - 1] ?? 0, own[at + 1] ?? 0));
}

/** @param length relative to the average */
function saturation(length: number): number {
  return (K1 + 1) / (1 + K1 * (1 - B + B * length));
}
