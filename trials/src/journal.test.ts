import { expect, test } from 'vitest';

import { isSameAnswer } from './journal.ts';

const answer = JSON.stringify({ request: { id: 'a', chargedMsat: 5 }, reply: { content: 'Yes' } });
const grown = JSON.stringify({ request: { id: 'a', chargedMsat: 5, reasoningTokens: 0 }, reply: { content: 'Yes' } });
const forgotten = JSON.stringify({ request: { id: 'a', chargedMsat: 5 }, reply: null });

test('one version repeats an answer letter by letter', () => {
  const sameness = { forgotten: false, twoVersions: false };
  expect(isSameAnswer(answer, answer, sameness)).toBe(true);
  expect(isSameAnswer(answer, grown, sameness)).toBe(false);
  expect(isSameAnswer(answer, forgotten, sameness)).toBe(false);
  expect(isSameAnswer(answer, forgotten, { ...sameness, forgotten: true })).toBe(true);
});

test('two versions may differ in fields that one of them does not know, and in nothing else', () => {
  const sameness = { forgotten: false, twoVersions: true };
  expect(isSameAnswer(answer, grown, sameness)).toBe(true);
  expect(isSameAnswer(grown, answer, sameness)).toBe(true);
  for (const other of [answer.replace('5', '6'), answer.replace('Yes', 'No'), forgotten, '{}', '{"status":404}']) {
    expect(isSameAnswer(answer, other, sameness)).toBe(false);
  }
});
