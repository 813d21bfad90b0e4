/**
 * Text that a browser would need seconds to lay out, whatever it is for. A character is shaped with all of its marks, and what is
 * of one script and direction apart from what is of another: the time grows with the square of either. People's texts are far
 * from these bounds; they are counted, not timed, so that a text looks the same on every machine.
 */
const SHORTEST = 2000;
const MAX_SEAMS = 5000;
const MAX_LINES = 10_000;
const STACK = /[\p{M}\p{Cf}\p{Grapheme_Extend}\p{Emoji_Modifier}]{100}/u;
/** Letters that join, without an end: each looks at its neighbours. */
const JOINED = /[\u0600-\u08ff]{4000}/;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export function isHeavy(text: string): boolean {
  if (text.length < SHORTEST) return false;
  return STACK.test(text) || JOINED.test(text) || countSeams(text) > MAX_SEAMS || count(text, /\n/g) > MAX_LINES;
}

const LATIN = 0;
const EAST_ASIAN = 1;
/** Scripts that take more than one block of 128 letters, and may change from letter to letter. */
const WIDE_SCRIPTS: readonly (readonly [first: number, last: number, script: number])[] = [
  [0x0030, 0x024f, LATIN],
  [0x1e00, 0x1eff, LATIN],
  [0x1100, 0x11ff, EAST_ASIAN],
  [0x2e80, 0xd7ff, EAST_ASIAN],
  [0xff00, 0xffef, EAST_ASIAN],
  [0x0370, 0x03ff, 2], // Greek
  [0x0400, 0x052f, 3], // Cyrillic
  [0x0600, 0x08ff, 4], // Arabic, and what is written like it
  [0x1200, 0x139f, 5], // Ethiopic
  [0xd83c, 0xd83e, 6], // emoji
];

/** Where a letter follows one of another script, and where a bracket looks for its partner among two directions. */
function countSeams(text: string): number {
  let seams = 0;
  let before = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (takesAfterOthers(unit)) continue;
    const script = scriptOf(unit);
    if (script !== before) seams += 1;
    before = script;
  }
  return RIGHT_TO_LEFT.test(text) ? seams + count(text, /[\p{Ps}\p{Pe}]/gu) : seams;
}

function scriptOf(unit: number): number {
  const wide = WIDE_SCRIPTS.find(([first, last]) => unit >= first && unit <= last);
  return wide ? wide[2] : WIDE_SCRIPTS.length + (unit >> 7);
}

/** Spaces, signs, accents, and the second half of a pair belong to what is around them; what sets a direction does not. */
function takesAfterOthers(unit: number): boolean {
  if (unit >= 0x2000 && unit <= 0x206f)
    return !/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(String.fromCharCode(unit));
  const isSign = unit < 0x80 && !/[0-9A-Za-z]/.test(String.fromCharCode(unit));
  const isAccent = (unit >= 0x300 && unit <= 0x36f) || (unit >= 0xfe00 && unit <= 0xfe0f);
  return isSign || isAccent || (unit >= 0xdc00 && unit <= 0xdfff);
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
