import { describe, expect, it } from 'vitest';

import { STOP_WORDS } from './stop-words.ts';
import { eachTerm, questionTerms, splitText } from './terms.ts';

function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const piece of splitText(text)) eachTerm(piece, (term) => terms.push(term));
  return terms;
}

function askedIn(question: string): string[] {
  const steps = questionTerms(question);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

const HOSTILE = 100_000;

describe('the terms of a text', () => {
  it.each([
    ['words, cut to five letters', 'Adoption agencies, adopted!', 'adopt agenc adopt'],
    ['digits, and what stands between them', 'flight 2024-117 costs 99.50€', 'fligh 2024 117 costs 99 50'],
    ['names in code', 'retry_with_backoff(kestrel-04)', 'retry with backo kestr 04'],
    ['an apostrophe', "don't", 'don t'],
    ['a curly apostrophe', 'don’t', 'don t'],
    ['no case and no accents', 'CAFÉ Ångström naïve', 'cafe angst naive'],
    ['letters with accents of their own', 'e\u0301te\u0301', 'ete'],
    ['German', 'Straße Äpfel STRASSE', 'stras apfel stras'],
    ['Turkish', 'İstanbul', 'istan'],
    ['Cyrillic', 'Ёлка ёлка Елка', 'елка елка елка'],
    ['Greek', 'Ελλάδα', 'ελλαδ'],
    ['full width, ligatures', 'Ｔｉｃｋｅｔ４２ ﬁle', 'ticke file'],
    ['Arabic without points, and without its article', 'الحجز والحَجْز حجز', 'حجز حجز حجز'],
    ['a short Arabic word that only looks like an article', 'الم', 'الم'],
    ['Hebrew without points', 'שָׁלוֹם', 'שלום'],
    ['Hindi, with the marks that are letters', 'परियोजना', 'परियो'],
    ['pairs of Chinese', '过敏吗', '过敏 敏吗'],
    ['a single character', '茶', '茶'],
    ['Japanese with a long vowel', 'サーバー', 'サー ーバ バー'],
    ['Japanese, half width', 'ｻｰﾊﾞｰ', 'サー ーバ バー'],
    ['Korean', '프로젝트', '프로 로젝 젝트'],
    ['Thai', 'แมว', 'แม มว'],
    ['scripts side by side', '第42号ticket', '第 42 号 ticke'],
    ['characters of two code units', '𝔘𐐀𐐁𐐂𐐃𐐄𐐅', 'u𐐨𐐩𐐪𐐫'],
    ['pairs of rare Chinese characters', '𠮷野家', '𠮷野 野家'],
    ['nothing of signs and emoji', '… 👍🏽 --- !?', ''],
    ['nothing of nothing', '', ''],
  ])('are %s', (_, text, expected) => {
    expect(termsOf(text).join(' ')).toBe(expected);
  });

  it('are cut between words where a text is long', () => {
    const word = 'ünbelievable ';
    expect(new Set(termsOf(word.repeat(5000)))).toEqual(new Set(['unbel']));
    expect(termsOf(word.repeat(5000))).toHaveLength(5000);
  });

  it.each([
    ['one letter', 'a'],
    ['one letter with an accent', 'é'],
    ['digits', '7'],
    ['combining marks', '\u0315\u0300'],
    ['spaces', ' '],
    ['backslashes', '\\'],
    ['Chinese', '茶'],
    ['a ligature of eighteen letters', '\ufdfa'],
    ['halves of surrogate pairs', '\ud83d'],
  ])('take bounded steps in proportion to the length of %s', (_, character) => {
    const pieces = (length: number) => [...splitText(character.repeat(length / character.length))];
    expect(Math.max(...pieces(HOSTILE).map((piece) => piece.length))).toBeLessThanOrEqual(1024);
    expect(pieces(2 * HOSTILE).length / pieces(HOSTILE).length).toBeLessThan(2.1);
    expect(pieces(HOSTILE).join('')).toBe(character.repeat(HOSTILE / character.length));
  });

  it('hold at most thirty combining marks in a row', () => {
    const long = termsOf(`x${'\u0b3e'.repeat(31)}y`).join(' ');
    const longer = termsOf(`x${'\u0b3e'.repeat(900)}y`).join(' ');
    expect(longer).toBe(long);
    const lengths: number[] = [];
    eachTerm(`x${'\u0b3e'.repeat(900)}`, (_, word) => lengths.push(word.length));
    expect(lengths).toEqual([31]);
  });
});

describe('the terms of a question', () => {
  it('leave out what says nothing, and are there once', () => {
    expect(askedIn('When did you tell me about the adoption, and what adoption was it?')).toEqual(['adopt']);
    expect(askedIn('Thanks! Can you please do that again?')).toEqual([]);
  });

  it('are 64 at most', () => {
    const words = Array.from({ length: 200 }, (_, number) => `${number}`);
    expect(askedIn(words.join(' '))).toEqual(words.slice(0, 64));
  });

  it('yield after each step, and no more once they are full', () => {
    const count = (question: string) => [...questionTerms(question)].length;
    expect(count('the '.repeat(25_000))).toBeGreaterThan(20);
    expect(count(Array.from({ length: 20_000 }, (_, number) => `${number}`).join(' '))).toBe(1);
  });

  it('know some 130 stop words', () => {
    expect(STOP_WORDS.size).toBeGreaterThan(120);
    expect(STOP_WORDS.size).toBeLessThan(150);
  });
});
