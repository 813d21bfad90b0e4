import { useEffect, useRef } from 'react';

import { balanceInSats, timeAgo } from '../amounts.ts';
import { isComposing } from '../composition.ts';
import type { KeptSession } from '../keyring.ts';
import { showNewSession, showSession } from '../place.ts';
import { Icon, Tower } from './icons.tsx';
import { OpenWithKey } from './open-with-key.tsx';
import { useServer } from './server-info.tsx';
import { KeysNote } from './session-key.tsx';

interface SidebarProps {
  readonly sessions: readonly KeptSession[];
  readonly current: string;
  /** On a narrow screen it covers the page, when asked for. */
  readonly open: boolean;
  readonly onClose: () => void;
}

export function Sidebar({ sessions, current, open, onClose }: SidebarProps) {
  const { agentName } = useServer();
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    closeButton.current?.focus();
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && !isComposing(event) && onClose();
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [open, onClose]);
  const newestFirst = sessions.toSorted((a, b) => b.usedAt.localeCompare(a.usedAt));
  return (
    <>
      {open && <button type="button" className="scrim" aria-label="Close the list" tabIndex={-1} onClick={onClose} />}
      <nav className={open ? 'sidebar sidebar-open' : 'sidebar'} aria-label="Your sessions">
        <div className="sidebar-head">
          <Tower />
          <span>{agentName}</span>
          <button
            ref={closeButton}
            type="button"
            className="icon-button narrow-only"
            aria-label="Close"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </div>
        <button type="button" className="new-session" aria-current={current === 'new'} onClick={showNewSession}>
          <Icon name="plus" /> New session
        </button>
        <ul>
          {newestFirst.map((session) => (
            <li key={session.id}>
              <button
                type="button"
                className="session-link"
                aria-current={session.id === current ? 'page' : undefined}
                onClick={() => (session.id === current ? onClose() : showSession(session.id))}
              >
                <span className="session-title" dir="auto">
                  {session.title || 'New conversation'}
                </span>
                <span className="session-facts">
                  <bdi translate="no">{balanceInSats(session.balanceMsat)}</bdi>
                  <bdi>{timeAgo(session.usedAt)}</bdi>
                </span>
              </button>
            </li>
          ))}
        </ul>
        <div className="sidebar-foot">
          <OpenWithKey />
          <KeysNote />
        </div>
      </nav>
    </>
  );
}
