/**
 * Questions in other languages than LoCoMo's, with code names, numbers and typos: whether recall finds the answer among several
 * hundred messages of small talk, and keeps still where a question has nothing to do with them. Written as people ask,
 * paraphrases without a word in common included, which it cannot find.
 */
import { describe, expect, it } from 'vitest';

import { ask, recallsMoreThanTheOpening } from './asking.ts';
import { arabic, arabicExchanges } from './own-set/arabic.ts';
import { type Conversation, converse } from './own-set/chatter.ts';
import { chinese, chineseExchanges } from './own-set/chinese.ts';
import { english, englishExchanges } from './own-set/english.ts';
import { followUps, type Language, unrelated } from './own-set/follow-ups.ts';
import { german, germanExchanges } from './own-set/german.ts';
import { japanese, japaneseExchanges } from './own-set/japanese.ts';
import { thai, thaiExchanges } from './own-set/thai.ts';

const conversations: Readonly<Record<Language, Conversation>> = {
  arabic: converse(arabic, arabicExchanges),
  chinese: converse(chinese, chineseExchanges),
  english: converse(english, englishExchanges),
  german: converse(german, germanExchanges),
  japanese: converse(japanese, japaneseExchanges),
  thai: converse(thai, thaiExchanges),
};

const recallsMore = ({ language, text }: { readonly language: Language; readonly text: string }) =>
  recallsMoreThanTheOpening(conversations[language], text);

describe('recall in several hundred messages of small talk', () => {
  it('finds what at least 80 of 100 questions are about', () => {
    const asked = Object.values(conversations).flatMap((conversation) =>
      conversation.questions.map(({ question, evidence }) => ask(conversation, question).includes(evidence)),
    );
    expect(asked).toHaveLength(30);
    expect(asked.filter(Boolean).length / asked.length).toBeGreaterThanOrEqual(0.8);
  });

  it('recalls more than the opening for at most 30 of 100 questions about something else', () => {
    expect(unrelated).toHaveLength(30);
    expect(unrelated.filter(recallsMore).length / unrelated.length).toBeLessThanOrEqual(0.3);
  });

  it('rarely recalls more than the opening for thanks, and for what is asked about the last reply', () => {
    expect(followUps).toHaveLength(24);
    expect(followUps.filter(recallsMore).length).toBeLessThanOrEqual(2);
  });
});
