import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { priceMsat } from './price.ts';

const tokens = fc.nat({ max: 10_000_000 });
const usages = fc.record({ inputTokens: tokens, outputTokens: tokens });
const msat = fc.bigInt({ min: 0n, max: 10_000_000n });
const pricings = fc.record({ inputMsatPerKtoken: msat, outputMsatPerKtoken: msat });

describe('the price of a usage', () => {
  test.each([
    [{ inputTokens: 1000, outputTokens: 1000 }, 18_000n],
    [{ inputTokens: 1, outputTokens: 0 }, 3n],
    [{ inputTokens: 0, outputTokens: 1 }, 15n],
    [{ inputTokens: 0, outputTokens: 0 }, 0n],
  ])('follows the prices: %o', (usage, price) => {
    expect(priceMsat(usage, { inputMsatPerKtoken: 3000n, outputMsatPerKtoken: 15_000n })).toBe(price);
  });

  test('is rounded up once, not once per part', () => {
    const prices = { inputMsatPerKtoken: 1n, outputMsatPerKtoken: 1n };
    expect(priceMsat({ inputTokens: 1, outputTokens: 1 }, prices)).toBe(1n);
    expect(priceMsat({ inputTokens: 1000, outputTokens: 1 }, prices)).toBe(2n);
  });

  test('is zero where both prices are', () => {
    const free = { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n };
    fc.assert(
      fc.property(usages, (usage) => {
        expect(priceMsat(usage, free)).toBe(0n);
      }),
    );
  });

  test('covers the exact price and is less than one msat above it', () => {
    fc.assert(
      fc.property(usages, pricings, (usage, prices) => {
        const exact =
          BigInt(usage.inputTokens) * prices.inputMsatPerKtoken +
          BigInt(usage.outputTokens) * prices.outputMsatPerKtoken;
        const surplus = priceMsat(usage, prices) * 1000n - exact;
        expect(surplus >= 0n && surplus < 1000n).toBe(true);
      }),
    );
  });

  test('never falls when more is used or prices rise', () => {
    fc.assert(
      fc.property(usages, usages, pricings, pricings, (usage, more, prices, rise) => {
        const price = priceMsat(usage, prices);
        const larger = {
          inputTokens: usage.inputTokens + more.inputTokens,
          outputTokens: usage.outputTokens + more.outputTokens,
        };
        const dearer = {
          inputMsatPerKtoken: prices.inputMsatPerKtoken + rise.inputMsatPerKtoken,
          outputMsatPerKtoken: prices.outputMsatPerKtoken + rise.outputMsatPerKtoken,
        };
        expect(priceMsat(larger, prices) >= price).toBe(true);
        expect(priceMsat(usage, dearer) >= price).toBe(true);
      }),
    );
  });

  test('of half a token is refused', () => {
    const prices = { inputMsatPerKtoken: 1n, outputMsatPerKtoken: 1n };
    expect(() => priceMsat({ inputTokens: 0.5, outputTokens: 0 }, prices)).toThrow(RangeError);
    expect(() => priceMsat({ inputTokens: 0, outputTokens: Number.NaN }, prices)).toThrow(RangeError);
  });
});
