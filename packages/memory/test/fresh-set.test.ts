/**
 * The bounds of `own-set.test.ts`, asked of questions that were written without a look at the rules or at the first set, committed
 * before they were asked, and not changed since. The gate's shares for pairs of characters were then chosen on both sets, so that
 * neither confirms them.
 */
import { describe, expect, it } from 'vitest';

import { ask, recallsMoreThanTheOpening } from './asking.ts';
import { arabicExchanges } from './fresh-set/arabic.ts';
import { chineseExchanges } from './fresh-set/chinese.ts';
import { englishExchanges } from './fresh-set/english.ts';
import { phrases, unrelated } from './fresh-set/follow-ups.ts';
import { germanExchanges } from './fresh-set/german.ts';
import { japaneseExchanges } from './fresh-set/japanese.ts';
import { thaiExchanges } from './fresh-set/thai.ts';
import { arabic } from './own-set/arabic.ts';
import { type Conversation, converse } from './own-set/chatter.ts';
import { chinese } from './own-set/chinese.ts';
import { english } from './own-set/english.ts';
import type { Language } from './own-set/follow-ups.ts';
import { german } from './own-set/german.ts';
import { japanese } from './own-set/japanese.ts';
import { thai } from './own-set/thai.ts';

const seed = 2026;
const conversations: Readonly<Record<Language, Conversation>> = {
  arabic: converse(arabic, arabicExchanges, { seed }),
  chinese: converse(chinese, chineseExchanges, { seed }),
  english: converse(english, englishExchanges, { seed }),
  german: converse(german, germanExchanges, { seed }),
  japanese: converse(japanese, japaneseExchanges, { seed }),
  thai: converse(thai, thaiExchanges, { seed }),
};
const languages = ['arabic', 'chinese', 'english', 'german', 'japanese', 'thai'] as const satisfies readonly Language[];

/** Those that recall more than the opening. */
const thatRecall = (asked: Readonly<Record<Language, readonly string[]>>): string[] =>
  languages.flatMap((language) =>
    asked[language].filter((text) => recallsMoreThanTheOpening(conversations[language], text)),
  );

const countOf = (asked: Readonly<Record<Language, readonly string[]>>) => Object.values(asked).flat().length;

describe('recall for questions that were written apart from its rules', () => {
  it('finds what at least 80 of 100 are about', () => {
    const asked = Object.values(conversations).flatMap((conversation) =>
      conversation.questions.map(({ question, evidence }) => ask(conversation, question).includes(evidence)),
    );
    expect(asked).toHaveLength(30);
    expect(asked.filter(Boolean).length / asked.length).toBeGreaterThanOrEqual(0.8);
  });

  it('recalls more than the opening for at most 30 of 100 questions about something else', () => {
    expect(countOf(unrelated)).toBe(30);
    expect(thatRecall(unrelated).length / countOf(unrelated)).toBeLessThanOrEqual(0.3);
  });

  it('rarely recalls more than the opening for thanks, and for what is asked about the last reply', () => {
    expect(countOf(phrases)).toBe(24);
    expect(thatRecall(phrases).length).toBeLessThanOrEqual(2);
  });
});
