/** Whether a question is about what a conversation holds: most follow-ups are not, and rubbish costs the payer as much. */
import { type Found, rarityOf, sumHeld } from './find-terms.ts';
import { STARTS_UNSPACED } from './terms.ts';

/** The gate. Without it 90 of 100 follow-ups that have nothing to do with the conversation recall some 790 tokens; with it 23. */
const MIN_SHARE_OF_QUESTION = 0.2;
const MIN_SHARE_OF_ONE_RARE_WORD = 0.8;
/**
 * What the gate takes a pair of characters for: a word of n characters is n - 1 pairs, and words mostly have two characters in
 * Chinese and Korean, three in kana, four in Thai and its neighbours. Taken for a word each, 13 of 60 questions about something
 * else recall, and 3 of 48 thanks and the like; so, 8 and 1. Chinese by halves: 51 of 60 are found; so, 54.
 */
const PAIR_IN_LONG_WORDS = 1 / 3;
const PAIR_WITH_KANA = 1 / 2;
const KANA_OR_HAN = /[\p{scx=Han}\p{scx=Hangul}\p{scx=Hiragana}\p{scx=Katakana}]/u;
const WORD_OF_TWO = /^[\p{scx=Han}\p{scx=Hangul}]{2}$/u;
/** No message holds it: a seam between two words, or grammar, more often than a word. In full, 44 of 60 are found; so, 54. */
const UNSEEN_PAIR = 1 / 3;
/**
 * Of one that no other message has: 29 of 600 messages may hold the pair. What more hold is a part of many words, and says nothing:
 * with it 12 of 60 about something else recall; without, 8. Words are not bound so: common ones find 5 of 100 more in LoCoMo.
 */
const MIN_RARITY_OF_PAIR = 0.5;

/** Whether the best message holds enough of the question, and about as much as one word that no other message has. */
export function isAboutThem(terms: readonly string[], found: Found): boolean {
  const messages = found.terms.length;
  const weights = Float64Array.from(found.holders, (holders, term) => {
    return rarityOf(holders, messages) * shareOfWord(terms[term]!, holders, messages);
  });
  const held = sumHeld(found, weights);
  const best = held.reduce((most, weight) => Math.max(most, weight), 0);
  const question = weights.reduce((sum, weight) => sum + weight, 0);
  const oneRareWord = rarityOf(1, messages);
  return best >= MIN_SHARE_OF_QUESTION * question && best >= MIN_SHARE_OF_ONE_RARE_WORD * oneRareWord;
}

/** How much of a word the gate takes a term for, so that it treats scripts with and without spaces alike. */
function shareOfWord(term: string, holders: number, messages: number): number {
  if (!STARTS_UNSPACED.test(term)) return 1;
  if (holders === 0) return UNSEEN_PAIR;
  if (rarityOf(holders, messages) < MIN_RARITY_OF_PAIR * rarityOf(1, messages)) return 0;
  if (WORD_OF_TWO.test(term)) return 1;
  return KANA_OR_HAN.test(term) ? PAIR_WITH_KANA : PAIR_IN_LONG_WORDS;
}
