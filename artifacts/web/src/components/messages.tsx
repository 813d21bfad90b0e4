import type { Message } from '@timmy-tower/contract';
import { memo, useEffect, useRef } from 'react';

import type { Receipts } from '../conversation/receipts.ts';
import { Markdown } from '../markdown/markdown.tsx';
import { useStore } from '../store.ts';
import { longText } from '../long-text.tsx';
import { CopyButton } from './copy-button.tsx';
import { ReceiptLine } from './receipt-line.tsx';

export const UserMessage = memo(function UserMessage({ message }: { readonly message: Pick<Message, 'content'> }) {
  return (
    <article className="message message-user" aria-label="You">
      <div className="bubble" dir="auto">
        {longText(message.content)}
      </div>
    </article>
  );
});

interface ReplyMessageProps {
  readonly message: Message;
  readonly receipts: Receipts;
  readonly agentName: string;
}

export const ReplyMessage = memo(function ReplyMessage({ message, receipts, agentName }: ReplyMessageProps) {
  return (
    <article className="message message-reply" aria-label={agentName}>
      {message.content === '' ? (
        <p className="nothing-said">Nothing was said.</p>
      ) : (
        <div className="md">
          <Markdown text={message.content} />
        </div>
      )}
      <div className="under">
        {message.sessionRequestId && <Receipt requestId={message.sessionRequestId} receipts={receipts} />}
        {message.content && <CopyButton text={message.content} label="Copy" name="Copy this reply" />}
      </div>
    </article>
  );
});

/** Looks up what the reply cost when it comes into view. Its place is kept meanwhile. */
function Receipt({ requestId, receipts }: { readonly requestId: string; readonly receipts: Receipts }) {
  const answer = useStore(receipts.of(requestId));
  const line = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (answer || !line.current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) void receipts.lookUp(requestId);
    });
    observer.observe(line.current);
    return () => observer.disconnect();
  }, [answer, receipts, requestId]);
  return (
    <p className="receipt" ref={line}>
      {answer ? <ReceiptLine answer={answer} /> : '\u00a0'}
    </p>
  );
}
