import { MAX_CONTENT_LENGTH } from '@timmy-tower/contract';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';

import { formatNumber } from '../amounts.ts';
import { isComposing } from '../composition.ts';
import type { Conversation } from '../conversation/conversation.ts';
import type { ConversationState } from '../conversation/state.ts';
import { readDraft, writeDraft } from '../keyring.ts';
import { askedMemory, memoryAt } from '../memory/memory-levels.ts';
import { useStore } from '../store.ts';
import { Icon } from './icons.tsx';
import { isLow } from './low-balance.ts';
import { useMemoryLevel } from './memory-dialog.tsx';
import { isLongerThanMemory, MemoryAnnouncer, MemoryNote } from './memory-note.tsx';
import { MessageField } from './message-field.tsx';
import { useServer } from './server-info.tsx';
import { showNewest } from './thread-scroll.ts';

interface ComposerProps {
  readonly conversation: Conversation;
  /** Offer something to say: there is nothing above yet. */
  readonly suggest: boolean;
}

/** What is a bit too long is shortened here; what is longer than this was not meant. */
const MAX_PASTED_LENGTH = 2 * MAX_CONTENT_LENGTH;
const MEMORY_NOTE = 'memory-note';
const SUGGESTIONS = ['How do I brew coffee?', 'How do I learn to whistle?', 'Tell me a story about a lighthouse'];

export function Composer({ conversation, suggest }: ComposerProps) {
  const server = useServer();
  const { turn, session, phase, topUp } = useStore(conversation.state);
  const [text, setText] = useState(() => readDraft(conversation.id));
  const field = useRef<HTMLTextAreaElement>(null);
  const excess = text.length - MAX_CONTENT_LENGTH;
  const canSend = phase === 'ready' && text.trim() !== '' && !turn && excess <= 0;
  const [hint, setHint] = useState('');
  const level = useMemoryLevel(conversation.id);
  const memory = memoryAt(level, server);
  const isLonger = isLongerThanMemory(text.length, memory);
  useTurnGivenBack(conversation, setText);
  useEffect(() => {
    if (phase === 'ready' && matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [phase]);
  useEffect(() => writeDraft(conversation.id, text), [conversation, text]);

  useEffect(() => setHint(''), [phase, turn?.status, text]);

  const send = (content = text) => {
    if (content.trim() === '' || excess > 0) return;
    if (phase !== 'ready' || turn) return setHint(whyNotNow(turn, server.agentName));
    conversation.send(content, askedMemory(level, server));
    setText('');
    showNewest();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    send();
  };
  const onText = (value: string) => {
    if (value.length <= MAX_PASTED_LENGTH) setText(value);
    else setHint(`That is far too long: a message has at most ${formatNumber(MAX_CONTENT_LENGTH)} characters.`);
  };
  const low = session?.status === 'active' && isLow(session, server) && !turn && !topUp;
  return (
    <div className="composer-wrap">
      {suggest && !turn && server.demo && <Suggestions onChoice={send} />}
      {low && <LowBalance onTopUp={() => conversation.openTopUp()} />}
      <p className="composer-hint" role="status">
        {hint || (excess > 0 && `${formatNumber(excess)} characters too long: shorten it to send it.`)}
      </p>
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
        <div className="composer-text">
          <MessageField
            field={field}
            text={text}
            placeholder={`Message ${server.agentName}`}
            describedBy={isLonger ? MEMORY_NOTE : undefined}
            onText={onText}
            onKeyDown={onKeyDown}
          />
          {isLonger && memory && <MemoryNote id={MEMORY_NOTE} length={text.length} memory={memory} />}
        </div>
        <SendOrStop conversation={conversation} canSend={canSend} />
      </form>
      <MemoryAnnouncer isLonger={isLonger} />
    </div>
  );
}

function SendOrStop({ conversation, canSend }: { readonly conversation: Conversation; readonly canSend: boolean }) {
  const { turn } = useStore(conversation.state);
  const running = turn && turn.status !== 'failed' && turn.status !== 'unpaid';
  return running ? (
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
  );
}

function whyNotNow(turn: ConversationState['turn'], agentName: string): string {
  if (!turn) return 'The conversation is still loading. Your message stays here.';
  if (turn.status === 'failed') return 'Try the message above again, or edit it. This one stays here.';
  if (turn.status === 'unpaid') return 'The message above waits for a top-up, and goes first. This one stays here.';
  return `${agentName} is still replying. Your message stays here: send it when the reply is done.`;
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
