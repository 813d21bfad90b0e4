/** A session's changes, whichever server made them: its row is read again and again, by primary key. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Session } from '@timmy-tower/contract';

import type { Deps } from '../deps.ts';
import { toSession } from './answers.ts';
import { getSession } from './find-session.ts';
import type { Caller } from './session-key.ts';

/** A payment or the end of a turn is waited for. */
const EXPECTING_MS = 400;
const OTHERWISE_MS = 1500;

export interface WatchedSession {
  readonly caller: Caller;
  /** As it was found when the key was checked. */
  readonly session: Session;
}

export interface SessionWatcher {
  readonly left: AbortSignal;
  readonly onChange: (session: Session) => void;
}

/**
 * Tells the session at once, and again whenever its status, balance, hold or invoice changed, until the watcher left or the
 * server stops.
 * @throws {AppError} `not-found` once the session is gone
 */
export async function watchSession(
  deps: Deps,
  { caller, session: first }: WatchedSession,
  { left, onChange }: SessionWatcher,
): Promise<void> {
  let session = first;
  onChange(session);
  while (!left.aborted && !deps.runningTurns.closing) {
    const isExpecting = session.invoice?.status === 'pending' || session.heldMsat > 0;
    const ms = isExpecting ? EXPECTING_MS : OTHERWISE_MS;
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await delay(ms, undefined, { signal: left }).catch(() => {});
    if (left.aborted) return;
    // oxlint-disable-next-line no-await-in-loop
    const now = toSession(await getSession(deps, caller), deps.sessionIdleDays);
    if (hasChanged(session, now)) onChange(now);
    session = now;
  }
}

function hasChanged(before: Session, now: Session): boolean {
  return (
    before.status !== now.status ||
    before.balanceMsat !== now.balanceMsat ||
    before.heldMsat !== now.heldMsat ||
    before.invoice?.paymentHash !== now.invoice?.paymentHash ||
    before.invoice?.status !== now.invoice?.status
  );
}
