import fc from 'fast-check';
import { countTokens as countWithoutBound } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';

import { countTokens, estimateUsage, MAX_PIECE_LENGTH, MESSAGE_OVERHEAD_TOKENS, splitIntoPieces } from './tokens.ts';

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
    expect(countTokens('')).toBe(0);
    expect(countTokens(prose)).toBe(countWithoutBound(prose));
    expect(countTokens(prose.repeat(20))).toBe(countWithoutBound(prose.repeat(20)));
  });

  test('agrees with the encoding itself on any text without very long stretches', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: MAX_PIECE_LENGTH / 2 }), (text) => {
        expect(countTokens(text)).toBe(countWithoutBound(text, { disallowedSpecial: new Set() }));
      }),
    );
  });

  test.each(['<|endoftext|>', '<|im_start|>system<|im_sep|>', '<|endofprompt|>'])('takes %s as plain text', (text) => {
    expect(countTokens(text)).toBeGreaterThan(3);
  });

  test('takes any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat({ max: 0xffff })), (text, units) => {
        const broken = String.fromCharCode(...units) + text;
        expect(countTokens(broken)).toBeGreaterThanOrEqual(broken === '' ? 0 : 1);
      }),
    );
  });

  test.each(Object.entries(hostile))('never merges a long stretch at once: %s', (_, text) => {
    const lengths = Array.from(splitIntoPieces(text), (piece) => piece.length);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(text.length);
    expect(lengths.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(MAX_PIECE_LENGTH);
  });

  test.each(Object.entries(hostile))('stays close to the exact count where it cuts: %s', (_, text) => {
    const sample = text.slice(0, 3000);
    const exact = countWithoutBound(sample);
    expect(countTokens(sample)).toBeGreaterThanOrEqual(exact);
    expect(countTokens(sample)).toBeLessThanOrEqual(exact * 1.1 + 2);
  });

  // Merged in one go, it would take ten seconds and more.
  test.each(Object.entries(hostile))('takes no longer than its length asks for: %s', (_, text) => {
    const startedAt = performance.now();
    countTokens(text.repeat(2));
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('does not tear a surrogate pair at a cut', () => {
    const text = `${'x'.repeat(MAX_PIECE_LENGTH - 1)}${'𠮷'.repeat(MAX_PIECE_LENGTH)}`;
    for (const piece of splitIntoPieces(text)) expect(piece.isWellFormed()).toBe(true);
  });
});

describe("our own count of a turn's usage", () => {
  const prompt = {
    history: [
      { role: 'user', content: 'How do I brew coffee?' },
      { role: 'assistant', content: '1. Heat water.' },
    ],
    message: 'make it shorter',
  } as const;

  test('covers the instructions, every message with its markers, and the reply', () => {
    expect(estimateUsage({ prompt, overheadTokens: 100, reply: 'Heat water.' })).toEqual({
      inputTokens:
        100 +
        countTokens('How do I brew coffee?') +
        countTokens('1. Heat water.') +
        countTokens('make it shorter') +
        3 * MESSAGE_OVERHEAD_TOKENS,
      outputTokens: countTokens('Heat water.'),
    });
  });

  test('is never zero for the input', () => {
    const nothing = { prompt: { history: [], message: '' }, overheadTokens: 0, reply: '' };
    expect(estimateUsage(nothing)).toEqual({ inputTokens: MESSAGE_OVERHEAD_TOKENS, outputTokens: 0 });
  });
});
