import { useEffect } from 'react';

import type { Conversation } from '../conversation/conversation.ts';
import { showNewSession } from '../place.ts';
import { useStore } from '../store.ts';
import { Composer } from './composer.tsx';
import { Announcer } from './announcer.tsx';
import { AwaitingPayment } from './awaiting-payment.tsx';
import { useServer } from './server-info.tsx';
import { UnkeptKey } from './session-key.tsx';
import { SessionHeader } from './session-header.tsx';
import { StatusScreen } from './status-screen.tsx';
import { useTabTitle } from './tab-title.ts';
import { Thread } from './thread.tsx';
import { TopUpPanel } from './top-up-panel.tsx';

interface SessionScreenProps {
  readonly conversation: Conversation;
  readonly onOpenDrawer: () => void;
}

export function SessionScreen({ conversation, onOpenDrawer }: SessionScreenProps) {
  const state = useStore(conversation.state);
  const { phase, session, connected, topUp, announcement, messages } = state;
  const { agentName } = useServer();
  useTabTitle(state, agentName);
  useEffect(() => conversation.open(), [conversation]);
  if (phase === 'gone') {
    return (
      <StatusScreen
        title="This session is gone"
        text="It was never paid and ran out, or its key was taken back. A paid balance is never removed."
        action={{ label: 'New session', run: showNewSession }}
        secondAction={{
          label: 'Remove it from the list',
          run: () => {
            conversation.leave();
            showNewSession();
          },
        }}
      />
    );
  }
  if (phase === 'unreachable') {
    return (
      <StatusScreen
        title="The conversation could not be loaded"
        text="The server does not answer. Nothing is lost: it is tried again by itself."
        action={{ label: 'Try now', run: () => conversation.reload() }}
      />
    );
  }
  const awaiting = session?.status === 'awaiting_payment';
  const closed = session?.status === 'closed';
  return (
    <div className="session">
      <SessionHeader conversation={conversation} onOpenDrawer={onOpenDrawer} />
      {!connected && (
        <p className="notice notice-bar" role="status">
          No connection. What you wrote is kept, and it goes on by itself.
        </p>
      )}
      <UnkeptKey conversation={conversation} paying={awaiting || topUp !== undefined} />
      {awaiting && session.invoice ? (
        <AwaitingPayment conversation={conversation} invoice={session.invoice} />
      ) : (
        <>
          <Thread conversation={conversation} />
          <div className="foot">
            {topUp && !closed && <TopUpPanel conversation={conversation} />}
            {closed ? (
              <ClosedNotice />
            ) : (
              <Composer conversation={conversation} suggest={phase === 'ready' && messages.length === 0} />
            )}
          </div>
        </>
      )}
      <Announcer text={announcement} />
    </div>
  );
}

function ClosedNotice() {
  return (
    <div className="notice closed" role="status">
      <p>This session is closed. It can be read and exported.</p>
      <button type="button" className="button" onClick={showNewSession}>
        New session
      </button>
    </div>
  );
}
