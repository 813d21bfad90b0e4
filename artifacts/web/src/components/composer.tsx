import { MAX_CONTENT_LENGTH } from '@timmy-tower/contract';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';

import type { Conversation } from '../conversation/conversation.ts';
import { readDraft, writeDraft } from '../keyring.ts';
import { useStore } from '../store.ts';
import { Icon } from './icons.tsx';
import { isLow } from './low-balance.ts';
import { useServer } from './server-info.tsx';
import { showNewest } from './thread-scroll.ts';

interface ComposerProps {
  readonly conversation: Conversation;
  /** Offer something to say: there is nothing above yet. */
  readonly suggest: boolean;
}

const SUGGESTIONS = ['How do I brew coffee?', 'How do I learn to whistle?', 'Tell me a story about a lighthouse'];

export function Composer({ conversation, suggest }: ComposerProps) {
  const server = useServer();
  const { turn, session, phase, topUp } = useStore(conversation.state);
  const [text, setText] = useState(() => readDraft(conversation.id));
  const field = useRef<HTMLTextAreaElement>(null);
  const running = turn && turn.status !== 'failed' && turn.status !== 'unpaid';
  const canSend = phase === 'ready' && text.trim() !== '' && !turn;
  useTurnGivenBack(conversation, setText);
  useEffect(() => {
    if (phase === 'ready' && matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [phase]);
  useEffect(() => writeDraft(conversation.id, text), [conversation, text]);

  const send = (content = text) => {
    if (phase !== 'ready' || turn || content.trim() === '') return;
    conversation.send(content);
    setText('');
    showNewest();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const low = session?.status === 'active' && isLow(session, server) && !turn && !topUp;
  return (
    <div className="composer-wrap">
      {suggest && !turn && server.demo && <Suggestions onChoice={send} />}
      {low && <LowBalance onTopUp={() => conversation.openTopUp()} />}
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <label className="visually-hidden" htmlFor="message">
          Message to {server.agentName}
        </label>
        <textarea
          id="message"
          ref={field}
          rows={1}
          value={text}
          maxLength={MAX_CONTENT_LENGTH}
          placeholder={`Message ${server.agentName}`}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {running ? (
          <button
            key="stop"
            type="button"
            className="send-button"
            aria-label="Stop the reply"
            disabled={!turn.requestId || turn.stopping === true}
            onClick={() => void conversation.stop()}
          >
            <Icon name="stop" />
          </button>
        ) : (
          <button key="send" type="submit" className="send-button" aria-label="Send" disabled={!canSend}>
            <Icon name="send" />
          </button>
        )}
      </form>
    </div>
  );
}

function Suggestions({ onChoice }: { readonly onChoice: (suggestion: string) => void }) {
  return (
    <div className="suggestions" role="group" aria-label="Suggestions">
      {SUGGESTIONS.map((suggestion) => (
        <button key={suggestion} type="button" className="suggestion" onClick={() => onChoice(suggestion)}>
          {suggestion}
        </button>
      ))}
    </div>
  );
}

function LowBalance({ onTopUp }: { readonly onTopUp: () => void }) {
  return (
    <p className="low" role="status">
      The balance runs low: replies may be cut.{' '}
      <button type="button" className="text-button" onClick={onTopUp}>
        Top up
      </button>
    </p>
  );
}

/** A message that is taken back comes to the field again. */
function useTurnGivenBack(conversation: Conversation, setText: (text: string) => void): void {
  useEffect(() => {
    const onTaken = (event: CustomEventInit<string>) => {
      setText(event.detail ?? '');
      document.querySelector<HTMLElement>('#message')?.focus();
    };
    const target = conversation.takenBack;
    target.addEventListener('taken', onTaken);
    return () => target.removeEventListener('taken', onTaken);
  }, [conversation, setText]);
}
