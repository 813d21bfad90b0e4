/**
 * Follows a session by server-sent events while the tab is looked at, and by asking where events do not come. What it tells is in
 * the order in which the server had it: an older balance never looks like a deposit.
 */
import type { Session, SessionEvent } from '@timmy-tower/contract';

import { ApiError } from '../api/client.ts';
import { readServerEvents } from '../api/server-events.ts';
import type { SessionApi } from '../api/session-api.ts';
import { SilenceLimit } from '../api/silence-limit.ts';

const RETRY_MS = 1500;
/** How often to ask where no stream is to be had, or none can be trusted. */
const INSTEAD_MS = 5000;
/** The server pings every 15 seconds. */
const PING_MISSED_MS = 20_000;

export interface SessionWatcher {
  readonly onSession: (session: Session) => void;
  /** Messages were said or forgotten, or may have been since it was last told. */
  readonly onMessages: () => void;
  readonly onGone: () => void;
  readonly onConnection: (connected: boolean) => void;
  /** Money may come at any moment: the session is asked for even while its stream seems to work. */
  readonly awaitsPayment: () => boolean;
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
    void follow({ api, watcher, signal: current.signal, told: '' });
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

interface Following {
  readonly api: SessionApi;
  readonly watcher: SessionWatcher;
  readonly signal: AbortSignal;
  /** How things stood when last told. */
  told: string;
}

/** How a stream ended. `overtaken`: asking told something newer, so that what it may still hold back is old. */
type StreamEnd = 'broke-off' | 'overtaken' | 'too-many' | 'gone';

async function follow(following: Following): Promise<void> {
  const { watcher, signal } = following;
  let end: StreamEnd = 'broke-off';
  /* oxlint-disable no-await-in-loop -- one after the other */
  while (!signal.aborted) {
    if (end !== 'too-many') end = await new SessionStream(following).read();
    if (end === 'broke-off' || end === 'too-many') {
      await new Promise((resolve) => setTimeout(resolve, end === 'too-many' ? INSTEAD_MS : RETRY_MS));
      const session = signal.aborted ? undefined : await ask(following);
      if (session === 'gone') end = 'gone';
      else if (session) {
        tell(following, session);
        watcher.onMessages();
      }
    }
    if (end === 'gone') return signal.aborted ? undefined : watcher.onGone();
  }
  /* oxlint-enable no-await-in-loop */
}

/** The session now; undefined where it could not be had, which is told. */
async function ask({ api, watcher, signal }: Following): Promise<Session | 'gone' | undefined> {
  try {
    const session = await api.session(signal);
    if (signal.aborted) return undefined;
    watcher.onConnection(true);
    return session;
  } catch (error) {
    if (signal.aborted) return undefined;
    if (isGone(error)) return 'gone';
    watcher.onConnection(false);
    return undefined;
  }
}

function tell(following: Following, session: Session): void {
  following.told = factsOf(session);
  following.watcher.onSession(session);
}

/** One stream, and asking beside it where it says too little. */
class SessionStream {
  readonly #following: Following;
  readonly #silence = new SilenceLimit();
  #heardAt: number | undefined;
  #eventCount = 0;
  #end: StreamEnd = 'broke-off';

  constructor(following: Following) {
    this.#following = following;
  }

  async read(): Promise<StreamEnd> {
    const { signal } = this.#following;
    const looking = setInterval(() => void this.#look(), INSTEAD_MS);
    signal.addEventListener('abort', this.#silence.end);
    try {
      await this.#readEvents();
    } catch (error) {
      if (isGone(error)) return 'gone';
      if (error instanceof ApiError && error.problem.status === 429) return 'too-many';
    } finally {
      clearInterval(looking);
      this.#silence.end();
      signal.removeEventListener('abort', this.#silence.end);
    }
    return this.#end;
  }

  async #readEvents(): Promise<void> {
    const body = await this.#following.api.events(this.#silence.signal);
    for await (const { event, data } of readServerEvents(body, () => this.#heard())) {
      if (this.#silence.signal.aborted) return;
      const said = { event, data: JSON.parse(data) } as SessionEvent;
      this.#eventCount += 1;
      if (said.event === 'session') tell(this.#following, said.data);
      // A stream tells how the session stands when it begins, not what was said before.
      if (said.event === 'messages' || this.#eventCount === 1) this.#following.watcher.onMessages();
      if (said.event === 'error' && said.data.code === 'too-many-readers') this.#end = 'too-many';
    }
  }

  #heard(): void {
    this.#heardAt = Date.now();
    this.#silence.heard();
    if (!this.#silence.signal.aborted) this.#following.watcher.onConnection(true);
  }

  /** A stream that works tells at once how things are, and pings; one that is held back does not, or too late. */
  async #look(): Promise<void> {
    const isQuiet = this.#heardAt === undefined || Date.now() - this.#heardAt > PING_MISSED_MS;
    if (!isQuiet && !this.#following.watcher.awaitsPayment()) return;
    const eventCount = this.#eventCount;
    const session = await ask(this.#following);
    // What the stream told meanwhile may be newer.
    if (this.#silence.signal.aborted || this.#eventCount !== eventCount) return;
    if (session && session !== 'gone' && isQuiet) this.#following.watcher.onMessages();
    if (!session || (session !== 'gone' && factsOf(session) === this.#following.told)) return;
    this.#end = session === 'gone' ? 'gone' : 'overtaken';
    this.#silence.end();
    if (session !== 'gone') tell(this.#following, session);
  }
}

const isGone = (error: unknown) => error instanceof ApiError && error.problem.code === 'not-found';

const factsOf = ({ status, balanceMsat, heldMsat, invoice }: Session) =>
  JSON.stringify([status, balanceMsat, heldMsat, invoice]);
