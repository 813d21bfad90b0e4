/**
 * An amount as people write it: in the digits of any script, in groups or not. Sats are whole, so a point or a comma can only
 * part groups; what does not look like groups could be a fraction, and is refused, never guessed.
 */
export type WrittenSats = { readonly sats: number } | { readonly fault: 'no-number' | 'no-groups' };

/** What parts groups somewhere: spaces, apostrophes, points, commas, and what Arabic and Adlam write. */
const GROUPS = /[\s.,_'’ʼ˙·٬،⹁．，、]/u;
/** Never between groups: the sign of a fraction in Arabic and Persian. */
const FRACTION = '٫';
/** Directions, which a number takes along when it is copied from a page. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Of three, or as in India: of three at the end and of two before. No group begins a number with nothing. */
const IN_GROUPS =
  /^[1-9]\d{0,2}(?:(?<mark>\D)\d{3})(?:\k<mark>\d{3})*$|^[1-9]\d?(?:(?<lakh>\D)\d{2})(?:\k<lakh>\d{2})*\k<lakh>\d{3}$/u;
const MAX_DIGITS = 15;

export function readSats(text: string): WrittenSats {
  const written = Array.from(text.replaceAll(DIRECTIONS, '').trim(), inPlainDigits).join('');
  if (/^\d+$/.test(written)) return wholeNumber(written);
  const marks = Array.from(written).filter((each) => !/\d/.test(each));
  const isParted = /\d/.test(written) && marks.every((each) => GROUPS.test(each) || each === FRACTION);
  if (!isParted) return { fault: 'no-number' };
  const sameMarks = written.replaceAll(/\s/g, ' ');
  return IN_GROUPS.test(sameMarks) && !written.includes(FRACTION)
    ? wholeNumber(written.replaceAll(/\D/g, ''))
    : { fault: 'no-groups' };
}

function wholeNumber(digits: string): WrittenSats {
  const significant = digits.replace(/^0+(?=\d)/, '');
  return significant.length > MAX_DIGITS ? { fault: 'no-number' } : { sats: Number(significant) };
}

/** Unicode has the ten digits of a script side by side, and scripts side by side begin at a multiple of ten from there. */
function inPlainDigits(character: string): string {
  const own = ownDigits.indexOf(character);
  if (own >= 0) return String(own);
  if (!/^\p{Nd}$/u.test(character)) return character;
  const code = character.codePointAt(0)!;
  let before = 0;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(code - before - 1))) before += 1;
  return String(before % 10);
}

/** The digits that this page writes, whatever they are. */
const plain = new Intl.NumberFormat(undefined, { useGrouping: false });
const ownDigits = Array.from({ length: 10 }, (_, digit) => plain.format(digit));
