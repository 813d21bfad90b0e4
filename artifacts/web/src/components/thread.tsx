import { useCallback, useEffect, useMemo, useRef } from 'react';

import type { Conversation } from '../conversation/conversation.ts';
import { useStore } from '../store.ts';
import { Icon } from './icons.tsx';
import { describeMemory, memoryAt } from '../memory/memory-levels.ts';
import { LiveReply } from './live-reply.tsx';
import { useMemoryLevel } from './memory-dialog.tsx';
import { blocksOf, MessageBlock } from './message-block.tsx';
import { useServer } from './server-info.tsx';
import { showNewest, useHeldPlace } from './thread-scroll.ts';

const NEAR_START_PX = 600;

export function Thread({ conversation }: { readonly conversation: Conversation }) {
  const { phase, messages, prepended, older, turn } = useStore(conversation.state);
  const { agentName } = useServer();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { settle, isAway } = useHeldPlace(scroller, content);
  const blocks = useMemo(() => blocksOf(messages, prepended), [messages, prepended]);

  const load = useCallback(() => {
    if (scroller.current && scroller.current.scrollTop < NEAR_START_PX) void conversation.loadOlder();
  }, [conversation]);
  useEffect(() => {
    settle();
    load();
  }, [settle, load, older]);
  const backToNewest = () => {
    showNewest();
    // The button goes: whoever pressed it by keyboard reads on in the conversation.
    scroller.current?.focus({ preventScroll: true });
  };
  return (
    <div className="thread-frame">
      <div
        className="thread"
        ref={scroller}
        role="region"
        aria-label="Conversation"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={load}
      >
        <div className="thread-content" ref={content}>
          {phase === 'loading' && <ThreadSkeleton />}
          {older !== 'none' && <p className="older">{older === 'loading' ? 'Loading earlier messages…' : '\u00a0'}</p>}
          {phase === 'ready' && messages.length === 0 && !turn && <EmptyThread sessionId={conversation.id} />}
          {blocks.map(({ number, messages: each }) => (
            <MessageBlock key={number} messages={each} receipts={conversation.receipts} agentName={agentName} />
          ))}
          {turn && <LiveReply conversation={conversation} turn={turn} />}
        </div>
      </div>
      {isAway && (
        <button type="button" className="newest" onClick={backToNewest}>
          <Icon name="down" /> Newest
        </button>
      )}
    </div>
  );
}

function EmptyThread({ sessionId }: { readonly sessionId: string }) {
  const server = useServer();
  const memory = memoryAt(useMemoryLevel(sessionId), server);
  const seen = memory ? `, and each reply sees ${describeMemory(memory)}` : '';
  return (
    <div className="empty-thread">
      <h2>Say something to {server.agentName}</h2>
      <p>
        {`Follow up as you like: “make it shorter”, “explain step 2”. What was said is kept until you forget it${seen}.`}
      </p>
    </div>
  );
}

function ThreadSkeleton() {
  return (
    <div className="skeleton" role="status" aria-label="Loading the conversation">
      <span />
      <span />
      <span />
    </div>
  );
}
