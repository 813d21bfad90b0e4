import { expect, test } from 'vitest';

import { readSats } from './read-sats.ts';

test.each([
  ['500', 500],
  [' 500 ', 500],
  ['007', 7],
  ['٥٠٠', 500],
  ['۵۰۰', 500],
  ['५००', 500],
  ['５００', 500],
  ['𝟝𝟘𝟘', 500],
  ['٢١٬٠٠٠', 21_000],
  ['۲۱٬۰۰۰', 21_000],
  ['\u200f٢١٬٠٠٠\u200f', 21_000],
  ['٢١،٠٠٠', 21_000],
  ['1,000', 1000],
  ['1.000', 1000],
  ['1 000', 1000],
  ['1\u00a0000', 1000],
  ['1\u202f000\u00a0000', 1_000_000],
  ['1’000', 1000],
  ["21'000", 21_000],
  ['1_000', 1000],
  ['１，０００', 1000],
  ['1.000.000', 1_000_000],
  ['12,34,567', 1_234_567],
  ['१,२३,४५६', 123_456],
])('%j is %d sats', (text, sats) => {
  expect(readSats(text)).toEqual({ sats });
});

test.each([
  '1,5',
  '1.00',
  '1,00',
  '0.500',
  '0,500',
  '1,0000',
  '1.000,000',
  '1,000.00',
  '1,000 000',
  '500.',
  '.500',
  '12,34',
  '١٫٥',
  '١٫٠٠٠',
  '1,,000',
  '1 00',
  '1,234,56',
])('%j could be a fraction, and is refused', (text) => {
  expect(readSats(text)).toEqual({ fault: 'no-groups' });
});

test.each([
  '',
  ' ',
  '-500',
  '+500',
  '1e3',
  '0x10',
  'five',
  '500 sats',
  '½',
  '²',
  '九',
  ',',
  '…',
  '9'.repeat(16),
  '1/2',
])('%j is no number', (text) => {
  expect(readSats(text)).toEqual({ fault: 'no-number' });
});

test('what is written in any language of the browser is read again', () => {
  const locales = [
    'ar-EG',
    'fa',
    'ur',
    'ps',
    'ckb',
    'de',
    'de-AT',
    'de-CH',
    'fr',
    'es',
    'pl',
    'pt-PT',
    'sv',
    'en-IN',
    'en-ZA',
  ];
  const scripts = Intl.supportedValuesOf('numberingSystem').map((script) => `en-u-nu-${script}`);
  for (const locale of [...locales, 'mr', 'bn', 'my', 'dz', 'sat', 'ff-Adlm', 'he', 'ja', ...scripts]) {
    const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    if (format.resolvedOptions().numberingSystem === 'hanidec') continue;
    for (const sats of [7, 10, 999, 1000, 21_000, 123_456, 1_000_000, 12_345_678]) {
      expect([locale, readSats(format.format(sats))]).toEqual([locale, { sats }]);
    }
  }
});
