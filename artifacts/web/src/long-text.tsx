import { Fragment, memo, type ReactNode } from 'react';

import { piecesOf } from './graphemes.ts';
import { isHeavy } from './heavy-text.ts';

/** A browser lays out a word in time that grows with its square: from here on it may be broken in other places too. */
const LONGEST_WORD = 500;
/** Of a heavy text a browser lays out only the slices that are in view, and those in bits. */
const SLICE = 1000;
const BIT = 100;

/**
 * A text for one element to hold, whatever it is. To be the element's only child: React knows a text by its element then, and
 * not by the text node, which what translates a page replaces.
 */
export function longText(text: string): ReactNode {
  if (isHeavy(text)) return sliced(text);
  return hasLongWord(text, LONGEST_WORD) ? breakable(text, LONGEST_WORD) : text;
}

/* oxlint-disable react/no-array-index-key -- pieces only grow at the end */
function sliced(text: string): ReactNode {
  return piecesOf(text, SLICE).map((slice, index) => <Slice key={index} text={slice} />);
}

const Slice = memo(function Slice({ text }: { readonly text: string }) {
  return <span className="slice">{breakable(text, BIT)}</span>;
});

function breakable(text: string, maxLength: number): ReactNode {
  return piecesOf(text, maxLength).map((piece, index) => (
    <Fragment key={index}>
      <span>{piece}</span>
      <wbr />
    </Fragment>
  ));
}
/* oxlint-enable react/no-array-index-key */

export function hasLongWord(text: string, maxLength: number): boolean {
  for (const [word] of text.matchAll(/\S+/g)) if (word.length > maxLength) return true;
  return false;
}
