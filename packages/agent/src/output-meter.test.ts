import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { OutputMeter } from './output-meter.ts';
import { countTokensAtOnce } from './tokens.ts';

const WORDS = 'Grind the beans, warm the pot, pour slowly, wait four minutes. '.repeat(200);

async function takeAll(meter: OutputMeter, pieces: readonly string[]): Promise<string> {
  let taken = '';
  for (const piece of pieces) taken += await meter.take(piece);
  return taken;
}

const piecesOf = (text: string, length: number) =>
  Array.from({ length: Math.ceil(text.length / length) }, (_, n) => text.slice(n * length, (n + 1) * length));

describe('what streams is kept within the limit', () => {
  test.each([1, 3, 10, 300, 100_000])('in pieces of %i characters', async (length) => {
    const meter = new OutputMeter(64);
    const taken = await takeAll(meter, piecesOf(WORDS, length));
    expect(WORDS.startsWith(taken)).toBe(true);
    expect(meter.isFull).toBe(true);
    expect(countTokensAtOnce(taken)).toBeGreaterThanOrEqual(64);
    expect(countTokensAtOnce(taken)).toBeLessThanOrEqual(1.25 * 64 + 32);
    expect(await meter.take('more')).toBe('');
  });

  test.each([1, 4, 50, 100_000])(
    'and nothing of what is within it is lost, in pieces of %i characters',
    async (length) => {
      const meter = new OutputMeter(countTokensAtOnce(WORDS));
      expect(await takeAll(meter, piecesOf(WORDS, length))).toBe(WORDS);
      expect(meter.isFull).toBe(false);
    },
  );

  test('a small limit has little tolerance', async () => {
    const taken = await takeAll(new OutputMeter(2), piecesOf(WORDS, 5));
    expect(countTokensAtOnce(taken)).toBeLessThanOrEqual(4);
  });

  test('no surrogate pair is torn', async () => {
    const taken = await takeAll(new OutputMeter(3), ['𠮷'.repeat(100)]);
    expect(taken.isWellFormed()).toBe(true);
    expect(taken).not.toBe('');
  });

  test('any text in any pieces is never taken beyond the limit', async () => {
    const pieces = fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 200 }), async (list, max) => {
        const meter = new OutputMeter(max);
        const taken = await takeAll(meter, list);
        const all = list.join('');
        expect(all.startsWith(taken)).toBe(true);
        expect(taken === all).toBe(!meter.isFull);
        expect(countTokensAtOnce(taken)).toBeLessThanOrEqual(1.25 * max + Math.min(32, max));
      }),
    );
  });
});
