/** Which of a question's terms each message of a conversation holds. */
import { eachTerm, splitText, stretchesOf } from './terms.ts';

/** What is longer does not come again. */
const MAX_WORD_LENGTH = 32;

/** By message: the numbers of the terms that it holds. A term counts once: who repeats it says no more about it. */
export interface Found {
  readonly terms: readonly (readonly number[])[];
  /** In terms, repeated ones included. */
  readonly lengths: Float64Array;
  /** How many messages hold a term. */
  readonly holders: Int32Array;
}

/** Yields where others may have their turn: after a message, and within long ones. */
export function* findTerms(contents: readonly string[], terms: readonly string[]): Generator<undefined, Found> {
  const look = createLook(terms);
  const lastHolder = new Int32Array(terms.length).fill(-1);
  const holders = new Int32Array(terms.length);
  const lengths = new Float64Array(contents.length);
  const found: number[][] = [];
  for (const [index, content] of contents.entries()) {
    const hits: number[] = [];
    for (const piece of splitText(content)) {
      for (const { length, numbers } of stretchesOf(piece).map(look)) {
        lengths[index]! += length;
        for (const number of numbers) {
          if (lastHolder[number] === index) continue;
          lastHolder[number] = index;
          holders[number]! += 1;
          hits.push(number);
        }
      }
      yield;
    }
    found.push(hits);
  }
  return { terms: found, lengths, holders };
}

interface Stretch {
  /** In terms. */
  readonly length: number;
  /** Of those that are looked for. */
  readonly numbers: readonly number[];
}

/** Words come again and again: each is looked at once. */
function createLook(terms: readonly string[]): (stretch: string) => Stretch {
  const numberOf = new Map(terms.map((term, number) => [term, number]));
  const known = new Map<string, Stretch>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    let length = 0;
    const numbers: number[] = [];
    eachTerm(text, (term) => {
      length += 1;
      const number = numberOf.get(term);
      if (number !== undefined) numbers.push(number);
    });
    const stretch = { length, numbers };
    if (text.length <= MAX_WORD_LENGTH) known.set(text, stretch);
    return stretch;
  };
}

/** BM25's inverse document frequency, in the form that is never negative. */
export function rarityOf(holders: number, messages: number): number {
  return Math.log(1 + (messages - holders + 0.5) / (holders + 0.5));
}

/** What each message holds, by the weights of the terms. */
export function sumHeld(found: Found, weights: Float64Array): Float64Array {
  return Float64Array.from(found.terms, (hits) => hits.reduce((sum, term) => sum + weights[term]!, 0));
}
