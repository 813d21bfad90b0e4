/**
 * What texts are compared by: the beginnings of words, and pairs of characters where a script has no spaces. Whatever a text
 * holds, this takes time that grows with its length alone.
 */
import { STOP_WORDS } from './stop-words.ts';

/** Stands for a stemmer: of 100 questions 83 find their answer, as many as with a stemmer for English; 79 by whole words. */
const TERM_LENGTH = 5;
/** A pasted file is no question. */
const MAX_QUESTION_TERMS = 64;
/** A tenth of a millisecond's work, and two where each character is a ligature of eighteen. A longer word is cut. */
const MAX_PIECE_LENGTH = 1024;
/** So much of a piece's end is searched for a place between words. */
const MAX_WORD_LENGTH = 64;
/** No script stacks more of them (Unicode's Stream-Safe Text Format, UAX #15), and normalizing takes quadratic time. */
const LONG_RUN_OF_MARKS = /(\p{M}{30})\p{M}+/gu;
/** Rules out most texts in a moment: no mark is among the spaces and the letters here. */
const MAY_BE_MARKS = /[^\0-\u02ff\u0e01-\u0e2f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]{30}/;

/** English, as people and models write it: with curly apostrophes and dashes. */
const PLAIN = /^[\0-\u007f\u2010-\u2026]*$/;
const PLAIN_WORD = /[a-z0-9]+/g;
/** Accents, and the points of Hebrew and Arabic, which most people leave out. Other scripts' marks are letters to them. */
const ACCENTS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0640]/gu;
/** Hangul has spaces, but its particles stick to the word. By script *extensions*: the Japanese long vowel has no script. */
const UNSPACED = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao', 'Khmer', 'Myanmar'];
const UNSPACED_LETTER = String.raw`[[${UNSPACED.map((script) => `\\p{scx=${script}}`).join('')}]&&[\p{L}\p{M}]]`;
/** Either a run of letters that are written without spaces, or another word. */
const RUN = new RegExp(String.raw`${UNSPACED_LETTER}+|[[\p{L}\p{M}\p{N}]--${UNSPACED_LETTER}]+`, 'gv');
/** Of a term: it is a pair of characters, not the beginning of a word. */
export const STARTS_UNSPACED = new RegExp(`^${UNSPACED_LETTER}`, 'v');
/** The first letter of Arabic: words of the scripts before it are looked at once, which is most of the time. */
const FIRST_ARABIC = '\u0620';
/** Arabic's article, alone or behind a preposition, is written onto the word and would be most of its beginning. */
const ARTICLE = /^(?:[وفبك]?ال|لل)(?=.{3})/u;

/** @param word that the term is the beginning of; a pair is its own */
type UseTerm = (term: string, word: string) => void;

/** A long text in pieces that are short work each, cut between words where there are any. */
export function* splitText(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = endOfPiece(text, start);
    yield text.slice(start, end);
    start = end;
  }
}

function endOfPiece(text: string, start: number): number {
  const end = start + MAX_PIECE_LENGTH;
  if (end >= text.length) return text.length;
  const lastWord = /\S*$/.exec(text.slice(end - MAX_WORD_LENGTH, end))![0].length;
  return lastWord < MAX_WORD_LENGTH ? end - lastWord : end;
}

/** A piece in stretches that share no term. Those of a plain one are looked at as fast as they are told apart. */
export function stretchesOf(piece: string): readonly string[] {
  return PLAIN.test(piece) ? [piece] : piece.split(' ');
}

/** Gives every term of a piece of text, as often as it is there. */
export function eachTerm(piece: string, use: UseTerm): void {
  if (PLAIN.test(piece)) {
    for (const word of piece.toLowerCase().match(PLAIN_WORD) ?? []) use(word.slice(0, TERM_LENGTH), word);
    return;
  }
  for (const run of fold(piece).match(RUN) ?? []) {
    if (run < FIRST_ARABIC) use(beginningOf(run), run);
    else if (STARTS_UNSPACED.test(run)) eachPair(run, use);
    else use(beginningOf(run.replace(ARTICLE, '')), run);
  }
}

function eachPair(run: string, use: UseTerm): void {
  let first = 0;
  let second = endOfCharacter(run, first);
  if (second >= run.length) use(run, run);
  while (second < run.length) {
    const end = endOfCharacter(run, second);
    const pair = run.slice(first, end);
    use(pair, pair);
    first = second;
    second = end;
  }
}

/** Some scripts take two code units for each. */
function endOfCharacter(text: string, start: number): number {
  const unit = text.charCodeAt(start);
  return unit >= 0xd800 && unit < 0xdc00 ? start + 2 : start + 1;
}

/** Of whole characters: some scripts take two code units for each. */
function beginningOf(word: string): string {
  if (word.length <= TERM_LENGTH) return word;
  return Array.from(word.slice(0, 2 * TERM_LENGTH))
    .slice(0, TERM_LENGTH)
    .join('');
}

/** Without regard to case, accents, width and ligatures. */
function fold(piece: string): string {
  const short = MAY_BE_MARKS.test(piece) ? piece.replace(LONG_RUN_OF_MARKS, '$1') : piece;
  return short.normalize('NFKD').toLowerCase().replace(ACCENTS, '').replaceAll('ß', 'ss').normalize('NFC');
}

/** The first terms of a question, each once, that say what it is about. Yields where others may have their turn. */
export function* questionTerms(question: string): Generator<undefined, string[]> {
  const terms = new Set<string>();
  for (const piece of splitText(question)) {
    eachTerm(piece, (term, word) => {
      if (terms.size < MAX_QUESTION_TERMS && !STOP_WORDS.has(word)) terms.add(term);
    });
    yield;
    if (terms.size === MAX_QUESTION_TERMS) break;
  }
  return [...terms];
}
