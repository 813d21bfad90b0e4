import { Fragment, type ReactNode } from 'react';

import { piecesOf } from './graphemes.ts';

/** A browser lays out a word in time that grows with its square: from here on it may be broken in other places too. */
const LONGEST_WORD = 500;

/**
 * A text for one element to hold, whatever it is. To be the element's only child: React knows a text by its element then, and
 * not by the text node, which what translates a page replaces.
 */
export function longText(text: string): ReactNode {
  if (!hasLongWord(text, LONGEST_WORD)) return text;
  return piecesOf(text, LONGEST_WORD).map((piece, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- pieces only grow at the end
    <Fragment key={index}>
      <span>{piece}</span>
      <wbr />
    </Fragment>
  ));
}

export function hasLongWord(text: string, maxLength: number): boolean {
  for (const [word] of text.matchAll(/\S+/g)) if (word.length > maxLength) return true;
  return false;
}
