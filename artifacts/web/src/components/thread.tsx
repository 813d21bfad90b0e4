import { useCallback, useEffect, useLayoutEffect, useRef } from 'react';

import type { Conversation } from '../conversation/conversation.ts';
import { useStore } from '../store.ts';
import { LiveReply } from './live-reply.tsx';
import { ReplyMessage, UserMessage } from './messages.tsx';
import { useServer } from './server-info.tsx';

const NEAR_END_PX = 80;
const NEAR_START_PX = 600;

/**
 * The conversation. Messages out of view are in the document and cost nothing: `content-visibility` neither lays out nor
 * paints them, while find-in-page and screen readers still reach them.
 */
export function Thread({ conversation }: { readonly conversation: Conversation }) {
  const { phase, messages, older, turn } = useStore(conversation.state);
  const { agentName } = useServer();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const onScroll = useFollowing(scroller, content);
  useKeptPlace(scroller, messages[0]?.id);

  const load = useCallback(() => {
    if (scroller.current && scroller.current.scrollTop < NEAR_START_PX) void conversation.loadOlder();
  }, [conversation]);
  useEffect(load, [load, older]);
  return (
    <div
      className="thread"
      ref={scroller}
      role="region"
      aria-label="Conversation"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
      tabIndex={0}
      onScroll={() => {
        onScroll();
        load();
      }}
    >
      <div className="thread-content" ref={content}>
        {phase === 'loading' && <ThreadSkeleton />}
        {older !== 'none' && <p className="older">{older === 'loading' ? 'Loading earlier messages…' : '\u00a0'}</p>}
        {phase === 'ready' && messages.length === 0 && !turn && <EmptyThread agentName={agentName} />}
        {messages.map((message) =>
          message.role === 'user' ? (
            <UserMessage key={`${message.sessionRequestId}-user`} message={message} />
          ) : (
            <ReplyMessage
              key={`${message.sessionRequestId}-reply`}
              message={message}
              receipts={conversation.receipts}
              agentName={agentName}
            />
          ),
        )}
        {turn && <LiveReply conversation={conversation} turn={turn} />}
      </div>
    </div>
  );
}

function EmptyThread({ agentName }: { readonly agentName: string }) {
  return (
    <div className="empty-thread">
      <h2>Say something to {agentName}</h2>
      <p>
        Follow up as you like: “make it shorter”, “explain step 2”. What was said is remembered until you forget it.
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

const SHOW_NEWEST = 'timmy-show-newest';

/** Scrolls to the end, wherever the reader is. */
export function showNewest(): void {
  dispatchEvent(new Event(SHOW_NEWEST));
}

/** Stays at the end while it grows, unless the reader scrolled away. @returns what to call when they scroll */
function useFollowing(scroller: React.RefObject<HTMLElement | null>, content: React.RefObject<HTMLElement | null>) {
  const following = useRef(true);
  useLayoutEffect(() => {
    const toEnd = () => {
      if (following.current && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
    };
    const showEnd = () => {
      following.current = true;
      toEnd();
    };
    toEnd();
    const observer = new ResizeObserver(toEnd);
    if (scroller.current) observer.observe(scroller.current);
    if (content.current) observer.observe(content.current);
    addEventListener(SHOW_NEWEST, showEnd);
    return () => {
      observer.disconnect();
      removeEventListener(SHOW_NEWEST, showEnd);
    };
  }, [scroller, content]);
  return () => {
    const element = scroller.current;
    if (!element) return;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
  };
}

/** When earlier messages come in above, what was in view stays where it was. */
function useKeptPlace(scroller: React.RefObject<HTMLElement | null>, firstId: string | undefined): void {
  const before = useRef<{ element: Element; top: number } | undefined>(undefined);
  useLayoutEffect(() => {
    const kept = before.current;
    if (kept && scroller.current && kept.element.isConnected) {
      scroller.current.scrollTop += kept.element.getBoundingClientRect().top - kept.top;
    }
  }, [scroller, firstId]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const remember = () => {
      const top = box.getBoundingClientRect().top;
      const element = [...box.querySelectorAll('.message')].find((each) => each.getBoundingClientRect().bottom > top);
      before.current = element && { element, top: element.getBoundingClientRect().top };
    };
    remember();
    box.addEventListener('scroll', remember, { passive: true });
    return () => box.removeEventListener('scroll', remember);
  }, [scroller]);
}
