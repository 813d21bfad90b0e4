import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { msatToJson, msatToSatsCeil, msatToSatsFloor, satsToMsat } from './units.ts';

describe('units', () => {
  test('sats become msat and back without loss', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_100_000_000 }), (sats) => {
        expect(msatToSatsFloor(satsToMsat(sats))).toBe(sats);
        expect(msatToSatsCeil(satsToMsat(sats))).toBe(sats);
      }),
    );
  });

  test('the rounding that a name promises is the rounding that happens', () => {
    expect(msatToSatsCeil(1n)).toBe(1);
    expect(msatToSatsFloor(1999n)).toBe(1);
    expect(msatToSatsCeil(2000n)).toBe(2);
    expect(msatToSatsCeil(0n)).toBe(0);
  });

  test('half a sat is refused', () => {
    expect(() => satsToMsat(0.5)).toThrow(RangeError);
  });

  test('an amount that JSON cannot carry exactly is refused', () => {
    expect(msatToJson(9_007_199_254_740_991n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => msatToJson(9_007_199_254_740_992n)).toThrow(RangeError);
  });
});
