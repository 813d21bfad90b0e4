/**
 * Draws only what is near the view: messages come in blocks, and a block that is far away is an empty box as high as it was.
 */
import type { Message } from '@timmy-tower/contract';
import { memo, type RefObject, useLayoutEffect, useRef, useState } from 'react';

import type { Receipts } from '../conversation/receipts.ts';
import { messageKey } from '../conversation/state.ts';
import { ReplyMessage, UserMessage } from './messages.tsx';

const BLOCK_SIZE = 10;
const NEAR_PX = 1500;

export interface Block {
  readonly number: number;
  readonly messages: readonly Message[];
}

/** Numbered so that a message stays in its block when others come in above or below. */
export function blocksOf(messages: readonly Message[], prepended: number): readonly Block[] {
  const blocks = new Map<number, Message[]>();
  for (const [index, message] of messages.entries()) {
    const number = Math.floor((index - prepended) / BLOCK_SIZE);
    const block = blocks.get(number);
    if (block) block.push(message);
    else blocks.set(number, [message]);
  }
  return [...blocks].map(([number, each]) => ({ number, messages: each }));
}

interface MessageBlockProps {
  readonly messages: readonly Message[];
  readonly receipts: Receipts;
  readonly agentName: string;
}

export const MessageBlock = memo(function MessageBlock({ messages, receipts, agentName }: MessageBlockProps) {
  const root = useRef<HTMLDivElement>(null);
  const awayPx = useHeightWhileAway(root);
  if (awayPx !== undefined) return <div ref={root} className="block block-away" style={{ height: awayPx }} />;
  return (
    <div ref={root} className="block">
      {messages.map((message) =>
        message.role === 'user' ? (
          <UserMessage key={messageKey(message)} message={message} />
        ) : (
          <ReplyMessage key={messageKey(message)} message={message} receipts={receipts} agentName={agentName} />
        ),
      )}
    </div>
  );
});

/** @returns the height to keep while it is away, undefined while it is near */
function useHeightWhileAway(root: RefObject<HTMLElement | null>): number | undefined {
  const [awayPx, setAwayPx] = useState<number>();
  useLayoutEffect(() => {
    const element = root.current;
    if (!element) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        if (!last || last.isIntersecting) setAwayPx(undefined);
        else if (!isInUse(element)) setAwayPx(last.boundingClientRect.height);
      },
      { root: element.closest('.thread'), rootMargin: `${NEAR_PX}px 0px` },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [root]);
  return awayPx;
}

/** What holds the keyboard's focus or a part of the selection stays. */
function isInUse(element: Element): boolean {
  const selection = getSelection();
  const isSelected = selection?.isCollapsed === false && selection.containsNode(element, true);
  return isSelected || element.contains(document.activeElement);
}
