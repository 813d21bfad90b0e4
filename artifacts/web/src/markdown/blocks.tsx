/** What stands on lines of its own. Each block takes its direction from its text: Hebrew and English can follow each other. */
import type { Token, Tokens } from 'marked';
import type { ReactNode } from 'react';

import { directionOf } from '../direction.ts';
import { longText } from '../long-text.tsx';
import { CodeBlock } from './code-block.tsx';
import { decode, MAX_DEPTH, renderAll, renderInline, renderText } from './inline.tsx';

export function renderBlock(token: Token, depth: number): ReactNode {
  if (depth > MAX_DEPTH) return <PlainBlock text={token.raw} />;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return <p dir="auto">{renderAll(token.tokens, depth)}</p>;
    case 'heading':
      return (
        <h2 dir="auto" className={`md-heading md-heading-${token['depth']}`}>
          {renderAll(token.tokens, depth)}
        </h2>
      );
    case 'code':
      return <CodeBlock code={token['text']} language={token['lang']} />;
    case 'blockquote':
      return <blockquote dir={directionOf(token['text'])}>{renderAll(token.tokens, depth, renderBlock)}</blockquote>;
    case 'list':
      return renderList(token as Tokens.List, depth);
    case 'table':
      return renderTable(token as Tokens.Table, depth);
    case 'math':
      return (
        <p dir="ltr" translate="no" className="md-raw md-math">
          {longText(token['text'])}
        </p>
      );
    case 'hr':
      return <hr />;
    case 'html':
    case 'plain':
      return <PlainBlock text={token.raw} />;
    case 'text':
      return token.tokens ? renderAll(token.tokens, depth) : renderText(decode(token['text']));
    default:
      return renderInline(token, depth);
  }
}

export function PlainBlock({ text }: { readonly text: string }) {
  return (
    <p dir="auto" className="md-raw">
      {longText(text.trimEnd())}
    </p>
  );
}

function renderList({ ordered, start, items }: Tokens.List, depth: number): ReactNode {
  const list = items.map((item, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- items only grow at the end
    <li key={index} dir="auto">
      {item.task ? <span>{item.checked ? '☑ ' : '☐ '}</span> : null}
      {renderAll(
        item.tokens.filter(({ type }) => type !== 'checkbox'),
        depth,
        renderInItem,
      )}
    </li>
  ));
  return ordered ? <ol start={start === '' ? 1 : start}>{list}</ol> : <ul>{list}</ul>;
}

/** A paragraph of an item takes the item's direction, which is that of the first one: its number stands on the same side. */
function renderInItem(token: Token, depth: number): ReactNode {
  if (token.type === 'paragraph') return <p>{renderAll(token.tokens, depth)}</p>;
  return renderBlock(token, depth);
}

function renderTable({ header, rows }: Tokens.Table, depth: number): ReactNode {
  const direction = directionOf(header.map(({ text }) => text).join(' '));
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <div className="md-table" dir={direction} role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index} scope="col" dir="auto" className={alignment(cell)}>
                {renderAll(cell.tokens, depth)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} dir="auto" className={alignment(cell)}>
                  {renderAll(cell.tokens, depth)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const alignment = ({ align }: Tokens.TableCell) => (align === null ? undefined : `md-${align}`);
