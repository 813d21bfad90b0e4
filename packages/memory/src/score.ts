/** How much each message has to do with a question: BM25 over the terms that they share, by this conversation's statistics. */
import { eachTerm, questionTerms, splitText, stretchesOf } from './terms.ts';

/** BM25's usual constants: how soon a match is worth no more, and how much long messages are marked down. Both hardly matter. */
const K1 = 1.2;
const B = 0.75;
/** The answer often stands next to the words that are asked for: 8 of 100 questions more find it. */
const SHARE_OF_NEIGHBOUR = 0.6;
/** The gate. Without it 90 of 100 follow-ups that have nothing to do with the conversation recall some 790 tokens; with it 23. */
const MIN_SHARE_OF_QUESTION = 0.2;
const MIN_SHARE_OF_ONE_RARE_WORD = 0.8;
/** Japanese writes its grammar in hiragana: a pair of them that no message has is no word that is asked for. */
const GRAMMAR = /^\p{scx=Hiragana}{2}$/u;

/** What is longer does not come again. */
const MAX_WORD_LENGTH = 32;

/** Which of the question's terms each message holds. A term counts once: who repeats it says no more about it. */
interface Found {
  readonly terms: readonly (readonly number[])[];
  /** In terms, repeated ones included. */
  readonly lengths: Float64Array;
  /** How many messages hold a term. */
  readonly holders: Int32Array;
}

/**
 * A score for each message; all zero where even the best has too little to do with the question.
 * Yields where others may have their turn: after a message, and within long ones.
 */
export function* scoreMessages(contents: readonly string[], question: string): Generator<undefined, Float64Array> {
  const terms = yield* questionTerms(question);
  const found = yield* findTerms(contents, terms);
  const rarity = Float64Array.from(found.holders, (holders) => rarityOf(holders, contents.length));
  const held = Float64Array.from(found.terms, (hits) => hits.reduce((sum, term) => sum + rarity[term]!, 0));
  const asked = rarity.filter((_, term) => found.holders[term]! > 0 || !GRAMMAR.test(terms[term]!));
  if (!isAboutThem(held, asked)) return new Float64Array(contents.length);
  const average = found.lengths.reduce((sum, length) => sum + length, 0) / contents.length;
  const own = held.map((weight, index) => weight * saturation(found.lengths[index]! / average));
  return own.map((score, at) => score + SHARE_OF_NEIGHBOUR * Math.max(own[at - 1] ?? 0, own[at + 1] ?? 0));
}

function* findTerms(contents: readonly string[], terms: readonly string[]): Generator<undefined, Found> {
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
function rarityOf(holders: number, messages: number): number {
  return Math.log(1 + (messages - holders + 0.5) / (holders + 0.5));
}

/** @param length relative to the average */
function saturation(length: number): number {
  return (K1 + 1) / (1 + K1 * (1 - B + B * length));
}

/** Whether the best message holds enough of the question, and about as much as one word that no other message has. */
function isAboutThem(held: Float64Array, asked: Float64Array): boolean {
  const best = held.reduce((most, weight) => Math.max(most, weight), 0);
  const question = asked.reduce((sum, weight) => sum + weight, 0);
  const oneRareWord = rarityOf(1, held.length);
  return best >= MIN_SHARE_OF_QUESTION * question && best >= MIN_SHARE_OF_ONE_RARE_WORD * oneRareWord;
}
