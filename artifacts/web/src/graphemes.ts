/** People's text is cut between what they see as characters: never through an emoji, an accent or a flag. */
const graphemes = 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : undefined;

/** Of one character people see, this much is looked at: more is nonsense that stacks accents without end. */
const LONGEST_GRAPHEME = 100;

/** The beginning of a text, at most so many UTF-16 units long. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text.replace(/[\ud800-\udbff]$/, '');
  return text.slice(0, endOfCut(text, maxLength));
}

/** The whole text in pieces of at most so many UTF-16 units. */
export function piecesOf(text: string, maxLength: number): readonly string[] {
  const pieces: string[] = [];
  for (let begin = 0; begin < text.length;) {
    const window = text.slice(begin, begin + maxLength + LONGEST_GRAPHEME);
    const end = window.length > maxLength ? endOfCut(window, maxLength) : window.length;
    pieces.push(window.slice(0, end));
    begin += end;
  }
  return pieces;
}

/** Where to cut: between graphemes, or between code points where one grapheme takes it all or the browser knows none. */
function endOfCut(text: string, maxLength: number): number {
  const near = text.slice(0, maxLength + LONGEST_GRAPHEME);
  const begin = graphemes?.segment(near).containing(maxLength)?.index ?? 0;
  if (begin > 0) return begin;
  return isLeading(text.charCodeAt(maxLength - 1)) && maxLength > 1 ? maxLength - 1 : maxLength;
}

const isLeading = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
