import { expect, test } from 'vitest';

import { directionOf } from './direction.ts';

test.each([
  ['Hello', 'ltr'],
  ['שלום', 'rtl'],
  ['1. مرحبا hello', 'rtl'],
  ['hello مرحبا', 'ltr'],
  ['`npm install` התקנה', 'rtl'],
  ['ܫܠܡܐ', 'rtl'],
  ['𞤀𞤣𞤤𞤢𞤥', 'rtl'],
  ['漢字', 'ltr'],
  ['123', 'ltr'],
  ['', 'ltr'],
] as const)('%j begins %s', (text, direction) => {
  expect(directionOf(text)).toBe(direction);
});
