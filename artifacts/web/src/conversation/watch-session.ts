/** Follows a session by server-sent events while the tab is looked at, and by asking again where events do not come. */
import type { Session, SessionEvent } from '@timmy-tower/contract';

import { ApiError } from '../api/client.ts';
import { readServerEvents } from '../api/server-events.ts';
import type { SessionApi } from '../api/session-api.ts';

const RETRY_MS = 1500;
/** How often to ask where there are too many streams: one more would only end another tab's. */
const INSTEAD_MS = 5000;

export interface SessionWatcher {
  readonly onSession: (session: Session) => void;
  readonly onGone: () => void;
  readonly onConnection: (connected: boolean) => void;
}

/** @returns a function that stops it */
export function watchSession(api: SessionApi, watcher: SessionWatcher): () => void {
  let current: AbortController | undefined;
  // A hidden tab gives its connection back: a browser grants a host only six.
  const begin = () => {
    current?.abort();
    current = undefined;
    if (document.visibilityState === 'hidden') return;
    current = new AbortController();
    void follow(api, { watcher, signal: current.signal });
  };
  // A connection that was cut says nothing by itself: a new one is tried at once, and tells.
  const occasions = ['online', 'offline'] as const;
  document.addEventListener('visibilitychange', begin);
  for (const occasion of occasions) addEventListener(occasion, begin);
  begin();
  return () => {
    document.removeEventListener('visibilitychange', begin);
    for (const occasion of occasions) removeEventListener(occasion, begin);
    current?.abort();
  };
}

interface FollowOptions {
  readonly watcher: SessionWatcher;
  readonly signal: AbortSignal;
}

async function follow(api: SessionApi, options: FollowOptions): Promise<void> {
  const { watcher, signal } = options;
  let outcome: 'ended' | 'too-many' = 'ended';
  while (!signal.aborted) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one connection after the other
      if (outcome === 'ended') outcome = await readEvents(api, options);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.problem.status === 404) return watcher.onGone();
      if (error instanceof ApiError && error.problem.status === 429) outcome = 'too-many';
    }
    // oxlint-disable-next-line no-await-in-loop
    if (!signal.aborted) await poll(api, outcome === 'too-many' ? INSTEAD_MS : RETRY_MS, options);
  }
}

/** Until the stream ends. `too-many`: a newer one took its place, or there is none to be had. */
async function readEvents(api: SessionApi, { watcher, signal }: FollowOptions): Promise<'ended' | 'too-many'> {
  const response = await api.events(signal);
  if (!response.body) return 'ended';
  watcher.onConnection(true);
  for await (const { event, data } of readServerEvents(response.body)) {
    if (signal.aborted) return 'ended';
    const said = { event, data: JSON.parse(data) } as SessionEvent;
    if (said.event === 'session') watcher.onSession(said.data);
    else if (said.event === 'error' && said.data.code === 'too-many-readers') return 'too-many';
  }
  return 'ended';
}

async function poll(api: SessionApi, afterMs: number, { watcher, signal }: FollowOptions): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (signal.aborted) return;
  try {
    watcher.onSession(await api.session(signal));
    watcher.onConnection(true);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ApiError && error.problem.status === 404) watcher.onGone();
    else watcher.onConnection(false);
  }
}
