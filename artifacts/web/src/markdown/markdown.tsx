/**
 * Markdown as React elements, never as HTML: what looks like HTML is shown as it was written. Nothing is fetched: an image
 * becomes a link. Blocks that did not change are not drawn again, so that a long reply can stream.
 */
import type { Token, Tokens } from 'marked';
import { Component, Fragment, memo, type ReactNode, useMemo, useState } from 'react';

import { CodeBlock } from './code-block.tsx';
import { GrowingLexer, lexBlocks } from './growing-lexer.ts';
import { safeHref } from './safe-href.ts';

/** Deeper than anybody writes; hostile text nests thousands. */
const MAX_DEPTH = 12;

export const Markdown = memo(function Markdown({ text }: { readonly text: string }) {
  const tokens = useMemo(() => lexBlocks(text), [text]);
  return (
    <PlainOnError text={text}>
      <Blocks tokens={tokens} />
    </PlainOnError>
  );
});

/** Of a reply that still arrives: only what is new is lexed and drawn. */
export function GrowingMarkdown({ text }: { readonly text: string }) {
  const [lexer] = useState(() => new GrowingLexer());
  return (
    <PlainOnError text={text}>
      <Blocks tokens={lexer.lex(text)} />
    </PlainOnError>
  );
}

function Blocks({ tokens }: { readonly tokens: readonly Token[] }) {
  // oxlint-disable-next-line react/no-array-index-key -- blocks only grow at the end
  return tokens.map((token, index) => <Block key={index} raw={token.raw} token={token} />);
}

/** Its raw text decides: the same text is the same block. */
const Block = memo(
  function Block({ token }: { readonly raw: string; readonly token: Token }) {
    return renderBlock(token, 0);
  },
  (before, now) => before.raw === now.raw && before.token.type === now.token.type,
);

const children = (tokens: readonly Token[] | undefined, depth: number, render = renderInline): ReactNode =>
  tokens?.map((token, index) => <Fragment key={index}>{render(token, depth + 1)}</Fragment>);

function renderBlock(token: Token, depth: number): ReactNode {
  if (depth > MAX_DEPTH) return token.raw;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return <p>{children(token.tokens, depth)}</p>;
    case 'heading':
      return <h2 className={`md-heading md-heading-${token['depth']}`}>{children(token.tokens, depth)}</h2>;
    case 'code':
      return <CodeBlock code={token['text']} language={token['lang']} />;
    case 'blockquote':
      return <blockquote>{children(token.tokens, depth, renderBlock)}</blockquote>;
    case 'list':
      return renderList(token as Tokens.List, depth);
    case 'table':
      return renderTable(token as Tokens.Table, depth);
    case 'hr':
      return <hr />;
    case 'html':
      return <p className="md-raw">{token.raw.trimEnd()}</p>;
    case 'text':
      return token.tokens ? children(token.tokens, depth) : decode(token['text']);
    default:
      return renderInline(token, depth);
  }
}

function renderList({ ordered, start, items }: Tokens.List, depth: number): ReactNode {
  const list = items.map((item, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- items only grow at the end
    <li key={index}>
      {item.task ? (item.checked ? '☑ ' : '☐ ') : null}
      {children(
        item.tokens.filter(({ type }) => type !== 'checkbox'),
        depth,
        renderBlock,
      )}
    </li>
  ));
  return ordered ? <ol start={start === '' ? 1 : start}>{list}</ol> : <ul>{list}</ul>;
}

function renderTable({ header, rows }: Tokens.Table, depth: number): ReactNode {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <div className="md-table" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index} scope="col">
                {children(cell.tokens, depth)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{children(cell.tokens, depth)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function renderInline(token: Token, depth: number): ReactNode {
  if (depth > MAX_DEPTH) return token.raw;
  switch (token.type) {
    case 'strong':
      return <strong>{children(token.tokens, depth)}</strong>;
    case 'em':
      return <em>{children(token.tokens, depth)}</em>;
    case 'del':
      return <del>{children(token.tokens, depth)}</del>;
    case 'codespan':
      return <code>{token['text']}</code>;
    case 'br':
      return <br />;
    case 'link':
      return renderLink(token['href'], children(token.tokens, depth));
    case 'image':
      return renderLink(token['href'], token['text'] || 'image');
    case 'text':
      return decode(token['text']);
    case 'escape':
      return token['text'];
    default:
      return token.raw;
  }
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
const decode = (text: string) => text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name]!);

interface PlainOnErrorProps {
  readonly text: string;
  readonly children: ReactNode;
}

/** Whatever text cannot be rendered is shown plainly. */
class PlainOnError extends Component<PlainOnErrorProps, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <p className="md-raw">{this.props.text}</p> : this.props.children;
  }
}
