/** Readers of a session's events, for tests. */
import { type Problem, type Session, type SessionEvent, sessionEventSchema } from '@timmy-tower/contract';

import { readEvents, type TestApp, type TestSession } from './harness.ts';

export interface AskForEvents {
  readonly id: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

export async function askForEvents({ app }: TestApp, { id, key, headers, method }: AskForEvents): Promise<Response> {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return app.request(`/sessions/${id}/events`, { method: method ?? 'GET', headers: { ...authorization, ...headers } });
}

export interface Watcher {
  /** The next session that is told; undefined when the stream has ended. */
  readonly next: () => Promise<Session | undefined>;
  /** The next conversation whose messages changed. */
  readonly nextMessages: () => Promise<string | undefined>;
  /** The first that is like this: others may come before it. */
  readonly nextWith: (isLike: (session: Session) => boolean) => Promise<Session>;
  /** The problem that its stream ends with; undefined when it ends without. */
  readonly ended: () => Promise<Problem | undefined>;
  readonly leave: () => Promise<unknown>;
}

/** Begins to read, and waits for the first event when it is asked for. */
export async function watch(
  server: TestApp,
  session: Pick<TestSession, 'id' | 'key'>,
  onEvent: (name: string) => void = () => {},
): Promise<Watcher> {
  const response = await askForEvents(server, session);
  if (response.status !== 200) throw new Error(`expected a stream, got ${response.status}`);
  const events = readEvents(response.body!);
  const nextEvent = async (): Promise<SessionEvent | undefined> => {
    const { value, done } = await events.next();
    if (done === true) return undefined;
    onEvent(value.event);
    return sessionEventSchema.parse(value);
  };
  const nextOf = async <Name extends 'session' | 'messages'>(name: Name) => {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one event after the other
      const event = await nextEvent();
      if (event?.event === 'error') throw new Error(`the stream ended with ${event.data.code}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this one's name says what it holds
      if (!event || event.event === name) return event as Extract<SessionEvent, { event: Name }> | undefined;
    }
  };
  const next = async () => (await nextOf('session'))?.data;
  return {
    next,
    nextMessages: async () => (await nextOf('messages'))?.data.conversationId,
    async nextWith(isLike) {
      let now = await next();
      // oxlint-disable-next-line no-await-in-loop -- one event after the other
      while (now && !isLike(now)) now = await next();
      if (!now) throw new Error('the stream ended before');
      return now;
    },
    async ended() {
      let event = await nextEvent();
      // oxlint-disable-next-line no-await-in-loop
      while (event && event.event !== 'error') event = await nextEvent();
      return event?.data;
    },
    leave: () => events.return(undefined),
  };
}

/** The statements that look at what is watched, be there readers or not. */
export const looksAmong = (statements: readonly string[]) =>
  statements.filter((text) => text.includes('"version"') && text.includes('= ANY('));
