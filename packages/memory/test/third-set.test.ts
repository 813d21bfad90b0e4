/**
 * Questions by somebody who knew neither the rules nor the first two sets, asked once the rules were chosen, and not changed since: 28
 * of 30 are found, 3 of 30 about something else recall, and 1 of 30 thanks and the like.
 */
import { expect, it } from 'vitest';

import { ask, recallsMoreThanTheOpening } from './asking.ts';
import { arabic } from './own-set/arabic.ts';
import { converse, type PhraseBook } from './own-set/chatter.ts';
import { chinese } from './own-set/chinese.ts';
import { english } from './own-set/english.ts';
import { german } from './own-set/german.ts';
import { japanese } from './own-set/japanese.ts';
import { thai } from './own-set/thai.ts';
import { arabicPhrases, arabicQuestions, arabicUnrelated } from './third-set/arabic.ts';
import { chinesePhrases, chineseQuestions, chineseUnrelated } from './third-set/chinese.ts';
import { englishPhrases, englishQuestions, englishUnrelated } from './third-set/english.ts';
import { germanPhrases, germanQuestions, germanUnrelated } from './third-set/german.ts';
import { japanesePhrases, japaneseQuestions, japaneseUnrelated } from './third-set/japanese.ts';
import type { Question } from './third-set/question.ts';
import { thaiPhrases, thaiQuestions, thaiUnrelated } from './third-set/thai.ts';

const SEED = 77;

function conversationOf(
  chatter: PhraseBook,
  questions: readonly Question[],
  { unrelated, phrases }: { unrelated: readonly string[]; phrases: readonly string[] },
) {
  const exchanges = questions.map((question) => ({ ...question, answeredBy: 'user' as const }));
  return { conversation: converse(chatter, exchanges, { seed: SEED }), unrelated, phrases };
}

const conversations = [
  conversationOf(arabic, arabicQuestions, { unrelated: arabicUnrelated, phrases: arabicPhrases }),
  conversationOf(chinese, chineseQuestions, { unrelated: chineseUnrelated, phrases: chinesePhrases }),
  conversationOf(english, englishQuestions, { unrelated: englishUnrelated, phrases: englishPhrases }),
  conversationOf(german, germanQuestions, { unrelated: germanUnrelated, phrases: germanPhrases }),
  conversationOf(japanese, japaneseQuestions, { unrelated: japaneseUnrelated, phrases: japanesePhrases }),
  conversationOf(thai, thaiQuestions, { unrelated: thaiUnrelated, phrases: thaiPhrases }),
];

it('finds what at least 80 of 100 are about', () => {
  const found = conversations.flatMap(({ conversation }) =>
    conversation.questions.map(({ question, evidence }) => ask(conversation, question).includes(evidence)),
  );
  expect(found).toHaveLength(30);
  expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(24);
});

it.each([
  ['at most 30 of 100 questions about something else', 'unrelated', 9],
  ['thanks, and what is asked about the last reply, rarely', 'phrases', 3],
] as const)('recalls more than the opening for %s', (_, kind, most) => {
  const recalling = conversations.flatMap(({ conversation, ...asked }) =>
    asked[kind].filter((text) => recallsMoreThanTheOpening(conversation, text)),
  );
  expect(recalling.length).toBeLessThanOrEqual(most);
});
