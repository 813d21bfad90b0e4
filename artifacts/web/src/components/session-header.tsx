import { useRef, useState } from 'react';

import { ApiError, problemOf } from '../api/client.ts';
import type { Conversation } from '../conversation/conversation.ts';
import { keptSessions } from '../keyring.ts';
import { memoriesOf } from '../memory/memory-levels.ts';
import { showNewSession } from '../place.ts';
import { useStore } from '../store.ts';
import { BalanceMeter } from './balance-meter.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Icon } from './icons.tsx';
import { Menu } from './menu.tsx';
import { MemoryDialog, useMemoryLevel } from './memory-dialog.tsx';
import { useServer } from './server-info.tsx';
import { KeyDialog } from './session-key.tsx';

interface SessionHeaderProps {
  readonly conversation: Conversation;
  readonly onOpenDrawer: () => void;
}

export function SessionHeader({ conversation, onOpenDrawer }: SessionHeaderProps) {
  const kept = useStore(keptSessions).find(({ id }) => id === conversation.id);
  const { session } = useStore(conversation.state);
  const canBeTopped = session?.status === 'active' || session?.status === 'expired';
  return (
    <header className="session-header">
      <button type="button" className="icon-button narrow-only" aria-label="Your sessions" onClick={onOpenDrawer}>
        <Icon name="menu" />
      </button>
      <h1 dir="auto">{kept?.title || 'New conversation'}</h1>
      {canBeTopped && <BalanceMeter conversation={conversation} peakMsat={kept?.peakMsat ?? 0} />}
      <SessionMenu conversation={conversation} canBeTopped={canBeTopped} />
    </header>
  );
}

interface SessionMenuProps {
  readonly conversation: Conversation;
  readonly canBeTopped: boolean;
}

function SessionMenu({ conversation, canBeTopped }: SessionMenuProps) {
  const server = useServer();
  const { agentName } = server;
  const level = useMemoryLevel(conversation.id);
  const memory = useRef<HTMLDialogElement>(null);
  const forgetting = useRef<HTMLDialogElement>(null);
  const remove = useRef<HTMLDialogElement>(null);
  const key = useRef<HTMLDialogElement>(null);
  const [fault, setFault] = useState('');
  const { messages } = useStore(conversation.state);
  const empty = messages.length === 0;
  const exportAs = async (format: 'markdown' | 'json') => {
    setFault('');
    try {
      await import('../export/zod-without-eval.ts');
      const { exportConversation } = await import('../export/export-conversation.ts');
      await exportConversation(conversation, { format, agentName });
    } catch {
      setFault('The export did not work. Try again in a moment.');
    }
  };
  return (
    <>
      <Menu
        label="Session menu"
        items={[
          { label: 'Top up', run: () => conversation.openTopUp(), hidden: !canBeTopped },
          {
            label: `Memory: ${level}`,
            run: () => memory.current?.showModal(),
            hidden: Object.keys(memoriesOf(server)).length < 2,
          },
          { label: 'Copy session key', copy: conversation.key },
          { label: 'Show session key', run: () => key.current?.showModal() },
          { label: 'Export as Markdown', run: () => void exportAs('markdown'), hidden: empty },
          { label: 'Export as JSON', run: () => void exportAs('json'), hidden: empty },
          { label: 'Forget this conversation', run: () => forgetting.current?.showModal(), hidden: empty },
          { label: 'Remove from this browser', run: () => remove.current?.showModal() },
        ]}
      />
      {fault && (
        <p className="fault toast" role="alert">
          {fault}
        </p>
      )}
      <MemoryDialog dialog={memory} sessionId={conversation.id} />
      <KeyDialog dialog={key} sessionKey={conversation.key} />
      <ConfirmDialog
        dialog={forgetting}
        title="Forget this conversation?"
        text="Every message is deleted on the server, for good. The balance stays."
        confirm="Forget it"
        onConfirm={() => forget(conversation)}
      />
      <ConfirmDialog
        dialog={remove}
        title="Remove from this browser?"
        text="The key is deleted here. Without a copy of it, nobody can reach the conversation or the balance again."
        confirm="Remove it"
        onConfirm={async () => {
          conversation.leave();
          showNewSession();
        }}
      />
    </>
  );
}

/** @throws {ApiError} that says what to do */
async function forget(conversation: Conversation): Promise<void> {
  try {
    await conversation.forget();
  } catch (error) {
    const problem = problemOf(error);
    const isBusy = problem.status === 409;
    const detail = isBusy ? 'A reply is still running. Stop it, or wait for it, first.' : problem.title;
    throw new ApiError({ ...problem, detail }, { cause: error });
  }
}
