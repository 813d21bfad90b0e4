import { useEffect, useRef, useState } from 'react';

import { ServerContext, useServerInfo } from './components/server-info.tsx';
import { Sidebar } from './components/sidebar.tsx';
import { StartScreen } from './components/start-screen.tsx';
import { StatusScreen } from './components/status-screen.tsx';
import { SessionScreen } from './components/session-screen.tsx';
import { conversationOf } from './conversation/conversations.ts';
import { keptSessions } from './keyring.ts';
import { usePlace } from './place.ts';
import { useStore } from './store.ts';

export function App() {
  const { info, unreachable, retry } = useServerInfo();
  if (unreachable) {
    return (
      <main className="lone">
        <StatusScreen
          title="The server cannot be reached"
          text="Your sessions and their balances are safe. This page tries again every few seconds."
          action={{ label: 'Try now', run: retry }}
        />
      </main>
    );
  }
  if (!info) return <main className="lone" aria-busy="true" aria-label="Loading" />;
  return (
    <ServerContext value={info}>
      <Shell agentName={info.agentName} simulated={info.simulated} />
    </ServerContext>
  );
}

function Shell({ agentName, simulated }: { readonly agentName: string; readonly simulated: boolean }) {
  const sessions = useStore(keptSessions);
  const place = usePlace();
  const [drawer, setDrawer] = useState(false);
  const id = place ?? sessions[0]?.id ?? 'new';
  const conversation = id === 'new' ? undefined : conversationOf(id);
  useEffect(() => setDrawer(false), [id]);
  useEffect(() => {
    document.title = agentName;
  }, [agentName]);
  const opener = useRef<Element | null>(null);
  const openDrawer = () => {
    opener.current = document.activeElement;
    setDrawer(true);
  };
  const closeDrawer = () => {
    setDrawer(false);
    // Not before it can be reached again.
    requestAnimationFrame(() => opener.current instanceof HTMLElement && opener.current.focus());
  };
  return (
    <>
      <a className="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      {simulated && (
        <aside className="banner" aria-label="Test wallet">
          <strong>Test wallet:</strong> no real money moves.
        </aside>
      )}
      <div className="shell">
        {sessions.length > 0 && <Sidebar sessions={sessions} current={id} open={drawer} onClose={closeDrawer} />}
        <main id="content" tabIndex={-1} inert={drawer}>
          {conversation ? (
            <SessionScreen key={conversation.id} conversation={conversation} onOpenDrawer={openDrawer} />
          ) : (
            <StartScreen missing={id !== 'new'} {...(sessions.length > 0 ? { onOpenDrawer: openDrawer } : {})} />
          )}
        </main>
      </div>
    </>
  );
}

/** The place after the `#` is the session's: the link must not take it. */
function skipToContent(event: React.MouseEvent): void {
  event.preventDefault();
  const content = document.querySelector<HTMLElement>('#message') ?? document.querySelector<HTMLElement>('#content');
  content?.focus();
}
