/** What stands within a line: every text in an element of its own, since what translates a page replaces texts. */
import type { Token } from 'marked';
import { Fragment, type ReactNode } from 'react';

import { longText } from '../long-text.tsx';
import { safeHref } from './safe-href.ts';

/** Deeper than anybody writes; hostile text nests thousands. */
export const MAX_DEPTH = 12;

export type Render = (token: Token, depth: number) => ReactNode;

export const renderAll = (tokens: readonly Token[] | undefined, depth: number, render: Render = renderInline) =>
  // oxlint-disable-next-line react/no-array-index-key -- tokens only grow at the end
  tokens?.map((token, index) => <Fragment key={index}>{render(token, depth + 1)}</Fragment>);

export function renderInline(token: Token, depth: number): ReactNode {
  if (depth > MAX_DEPTH) return renderText(token.raw);
  switch (token.type) {
    case 'strong':
      return <strong>{renderAll(token.tokens, depth)}</strong>;
    case 'em':
      return <em>{renderAll(token.tokens, depth)}</em>;
    case 'del':
      return <del>{renderAll(token.tokens, depth)}</del>;
    case 'codespan':
      return renderVerbatim('code', token['text']);
    case 'math':
      return renderVerbatim('math', token['text']);
    case 'br':
      return <br />;
    case 'link':
      return renderLink(token['href'], renderAll(token.tokens, depth));
    case 'image':
      return renderLink(token['href'], renderText(token['text'] || 'image'));
    case 'text':
      return renderText(decode(token['text']));
    case 'escape':
    case 'plain':
      return renderText(token['text']);
    default:
      return renderText(token.raw);
  }
}

export const renderText = (text: string): ReactNode => <span>{longText(text)}</span>;

/** Reads from left to right wherever it stands, and is not translated. */
function renderVerbatim(kind: 'code' | 'math', text: string): ReactNode {
  const Element = kind === 'code' ? 'code' : 'span';
  return (
    <Element dir="ltr" translate="no" className={kind === 'math' ? 'md-math' : undefined}>
      {longText(text)}
    </Element>
  );
}

function renderLink(href: string, text: ReactNode): ReactNode {
  const safe = safeHref(href);
  if (safe === undefined) return text;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  );
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0' };

/** The few entities that models write. They become text, never markup. */
export const decode = (text: string) =>
  text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name]!);
