import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';

const FAMILY = '👨‍👩‍👧‍👦';

const load = async () => import('./graphemes.ts');

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test.each([
  ['an emoji', 'ab😀', 3, 'ab'],
  ['a family', `ab${FAMILY}cd`, 6, 'ab'],
  ['a flag', 'a🇩🇪🇫🇷', 7, 'a🇩🇪'],
  ['an accent', 'abe\u0301', 3, 'ab'],
  ['a colour of skin', 'ok👍🏽', 4, 'ok'],
  ['a syllable of Hangul', '하\u1112\u1161\u11ab', 2, '하'],
  ['a syllable of Hindi', 'नमस्ते', 4, 'नम'],
])('a text is not cut through %s', async (_, text, length, cut) => {
  const { cutText } = await load();
  expect(cutText(text, length)).toBe(cut);
});

test('a text that is short enough stays, without half a character that somebody else left at its end', async () => {
  const { cutText } = await load();
  expect(cutText('ab😀', 4)).toBe('ab😀');
  expect(cutText('ab😀'.slice(0, 3), 60)).toBe('ab');
  expect(cutText('', 3)).toBe('');
});

test('one character of a thousand accents is cut all the same', async () => {
  const { cutText } = await load();
  expect(cutText(`a${'\u0301'.repeat(1000)}`, 60)).toHaveLength(60);
});

test('a browser that knows no graphemes cuts between code points', async () => {
  vi.stubGlobal('Intl', { NumberFormat: Intl.NumberFormat });
  const { cutText } = await load();
  expect(cutText('ab😀', 3)).toBe('ab');
  expect(cutText(`ab${FAMILY}cd`, 6).isWellFormed()).toBe(true);
});

test('pieces of a text are the text, none too long, and none begins or ends in a character', async () => {
  const { piecesOf } = await load();
  const text = fc.array(fc.constantFrom('a', '漢', '😀', FAMILY, 'e\u0301', '🇩🇪', ' '), { maxLength: 200 });
  fc.assert(
    fc.property(text, fc.integer({ min: 12, max: 40 }), (parts, length) => {
      const whole = parts.join('');
      const pieces = piecesOf(whole, length);
      expect(pieces.join('')).toBe(whole);
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(length);
        expect(piece.isWellFormed()).toBe(true);
        expect(piece).not.toMatch(/^[\u0301\u200d]/);
      }
    }),
  );
});
