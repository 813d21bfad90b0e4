/**
 * Markdown as React elements, never as HTML: what looks like HTML is shown as it was written. Nothing is fetched: an image
 * becomes a link. Blocks that did not change are not drawn again, so that a long reply can stream.
 */
import type { Token } from 'marked';
import { Component, memo, type ReactNode, useMemo, useState } from 'react';

import { PlainBlock, renderBlock } from './blocks.tsx';
import { lexBlocks } from './bounded-lexer.ts';
import { GrowingLexer } from './growing-lexer.ts';

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
    return this.state.failed ? <PlainBlock text={this.props.text} /> : this.props.children;
  }
}
