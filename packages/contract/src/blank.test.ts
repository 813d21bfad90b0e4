import { expect, test } from 'vitest';

import { isBlank } from './blank.ts';

test.each([
  ['nothing', ''],
  ['spaces and line ends', ' \n\r\n\t\v\f'],
  ['white space of other scripts', '\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000'],
  ['zero-width characters', '\u200b\u200c\u200d\u2060\ufeff'],
  ['format characters', '\u00ad\u200e\u202e\u2066\u{e0041}'],
  ['U+0000 and other controls', '\0\u0007\u001b\u0085'],
  ['half a character', '\ud83d'],
  ['fillers and selectors', '\u034f\u115f\u3164\uffa0\ufe0f\u180b\u2800'],
])('%s say nothing', (_, text) => {
  expect(isBlank(text)).toBe(true);
  expect(isBlank(` ${text}.`)).toBe(false);
});

test.each(['.', '0', '…', '好', '😀', '👩‍💻', 'ـ', '\u0301', '\ufffd', '​x'])('%s says something', (text) => {
  expect(isBlank(text)).toBe(false);
});

test('a long blank takes no longer than its length asks for', () => {
  const before = process.threadCpuUsage();
  expect(isBlank(' \u200b'.repeat(1_000_000))).toBe(true);
  expect(process.threadCpuUsage(before).user).toBeLessThan(2_000_000);
});
