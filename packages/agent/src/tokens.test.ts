import fc from 'fast-check';
import encoding, { countTokens as countWithoutBound, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';

import { countTokens, countTokensAtOnce, MAX_LENGTH_AT_ONCE, MAX_PIECE_LENGTH, splitIntoBlocks } from './tokens.ts';

const prose = `How do I brew coffee? Très bien: ¿cómo estás? 你好，世界。Привет! function add(a, b) { return a + b }
lnbcrt1u1p5abcdef 0xdeadbeef 12345678 👩‍💻 it's "quoted", isn't it…`;

const hostile = {
  'one letter': 'a'.repeat(100_000),
  spaces: ' '.repeat(100_000),
  'blank lines': '\n'.repeat(100_000),
  marks: '!'.repeat(100_000),
  'Chinese without a space': '漢字'.repeat(50_000),
  'astral letters': '𠮷'.repeat(50_000),
  'line ends and slashes': '!'.concat('\n/'.repeat(50_000)),
  'lone surrogates': '\ud800'.repeat(100_000),
};

describe('counting tokens', () => {
  test('agrees with the encoding itself on text of every kind', () => {
    expect(countTokensAtOnce('')).toBe(0);
    expect(countTokensAtOnce(prose)).toBe(countWithoutBound(prose));
    expect(countTokensAtOnce(prose.repeat(20))).toBe(countWithoutBound(prose.repeat(20)));
  });

  test('agrees with the encoding itself on any text without very long stretches', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: MAX_PIECE_LENGTH / 2 }), (text) => {
        expect(countTokensAtOnce(text)).toBe(countWithoutBound(text, { disallowedSpecial: new Set() }));
      }),
    );
  });

  test('agrees with the encoding itself on long texts of ordinary words', () => {
    const words = fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }), { maxLength: 300 });
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join('a ');
        expect(countTokensAtOnce(text)).toBe(countWithoutBound(text, { disallowedSpecial: new Set() }));
      }),
    );
  });

  test.each(['<|endoftext|>', '<|im_start|>system<|im_sep|>', '<|endofprompt|>'])('takes %s as plain text', (text) => {
    expect(countTokensAtOnce(text)).toBeGreaterThan(3);
  });

  test('takes any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat({ max: 0xffff })), (text, units) => {
        const broken = String.fromCharCode(...units) + text;
        expect(countTokensAtOnce(broken)).toBeGreaterThanOrEqual(broken === '' ? 0 : 1);
      }),
    );
  });

  test.each(Object.entries(hostile))('never merges a long stretch at once: %s', (_, text) => {
    const lengths = Array.from(splitIntoBlocks(text), (piece) => piece.length);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(text.length);
    expect(lengths.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(2 * MAX_PIECE_LENGTH);
  });

  test.each(Object.entries(hostile))('stays close to the exact count where it cuts: %s', (_, text) => {
    const sample = text.slice(0, 3000);
    const exact = countWithoutBound(sample);
    expect(countTokensAtOnce(sample)).toBeGreaterThanOrEqual(exact);
    expect(countTokensAtOnce(sample)).toBeLessThanOrEqual(exact * 1.1 + 2);
  });

  // Merged in one go, it would take ten seconds and more.
  test.each(Object.entries(hostile))('takes no longer than its length asks for: %s', (_, text) => {
    const before = process.threadCpuUsage();
    countTokensAtOnce(text.repeat(2));
    expect(process.threadCpuUsage(before).user).toBeLessThan(5_000_000);
  });

  test('does not tear a surrogate pair at a cut', () => {
    const text = `${'x'.repeat(MAX_PIECE_LENGTH - 1)}${'𠮷'.repeat(MAX_PIECE_LENGTH)}`;
    for (const piece of splitIntoBlocks(text)) expect(piece.isWellFormed()).toBe(true);
  });

  test('in slices gives the same as at once', async () => {
    for (const text of [...Object.values(hostile), prose.repeat(200), prose, '']) {
      expect(await countTokens(text)).toBe(countTokensAtOnce(text));
    }
  });

  test('of a short text takes no turn of the event loop', async () => {
    const counted = countTokens('漢'.repeat(MAX_LENGTH_AT_ONCE));
    const next = new Promise((resolve) => setImmediate(resolve, 'a turn'));
    expect(await Promise.race([counted, next])).toBeGreaterThan(0);
  });

  test('keeps none of the words that it counted', () => {
    const core = Reflect.get(encoding, 'bytePairEncodingCoreProcessor');
    const kept = () => Reflect.get(core, 'mergeCache')?.size ?? 0;
    countTokensAtOnce('zaphodbeeblebrox');
    expect(kept()).toBe(0);
    // The tokenizer still keeps them where it is told to: this is the place to look at.
    setMergeCacheSize(10);
    countTokensAtOnce('zaphodbeeblebrox');
    expect(kept()).toBe(1);
    setMergeCacheSize(0);
  });
});
