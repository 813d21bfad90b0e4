/** Readers of replies that others asked for, for tests. */
import { type StreamEvent, streamEventSchema } from '@timmy-tower/contract';

import { readEvents, type TestApp, type TestSession } from './harness.ts';
import { script, server } from './scripted-server.ts';

export type Asker = Pick<TestSession, 'id' | 'key'>;

export async function askToJoin(
  { id, key }: Asker,
  requestId: string,
  { at = server, method = 'GET' }: { at?: TestApp; method?: string } = {},
): Promise<Response> {
  return at.app.request(`/sessions/${id}/requests/${requestId}`, {
    method,
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
  });
}

export interface Joiner {
  /** The next event; undefined once its stream has ended. */
  readonly next: () => Promise<StreamEvent | undefined>;
  /** All that is left, to its end. */
  readonly rest: () => Promise<StreamEvent[]>;
  readonly leave: () => Promise<unknown>;
}

/** Begins to read when the first event is asked for. */
export async function join(session: Asker, requestId: string, at: TestApp = server): Promise<Joiner> {
  const response = await askToJoin(session, requestId, { at });
  if (response.status !== 200) throw new Error(`expected a stream, got ${response.status}`);
  const events = readEvents(response.body!);
  const next = async () => {
    const { value, done } = await events.next();
    return done === true ? undefined : streamEventSchema.parse(value);
  };
  return {
    next,
    async rest() {
      const all: StreamEvent[] = [];
      // oxlint-disable-next-line no-await-in-loop -- one event after the other
      for (let event = await next(); event; event = await next()) all.push(event);
      return all;
    },
    leave: () => events.return(undefined),
  };
}

export const namesOf = (events: readonly StreamEvent[]) => events.map(({ event }) => event);

export const textOf = (events: readonly StreamEvent[]) =>
  events.map((event) => (event.event === 'delta' ? event.data.text : '')).join('');

export interface GatedTurn {
  readonly requestId: string;
  /** What the caller who asked is sent. */
  readonly asked: Promise<StreamEvent[]>;
  /** Lets the next piece be said. */
  readonly goOn: () => void;
}

/** A turn that says one piece after the other, each when it is told to; the first is said by now. */
export async function sayGated(
  session: TestSession,
  [first = '', ...pieces]: readonly string[],
  ending: { readonly error?: Error; readonly hang?: boolean } = {},
): Promise<GatedTurn> {
  const gates = [...pieces, ''].map(() => Promise.withResolvers<void>());
  const deltas = [first, ...pieces.flatMap((piece, n) => [gates[n]!.promise, piece]), gates.at(-1)!.promise];
  script.when('tell me', { deltas, ...ending });
  const events = await session.stream('tell me');
  const start = streamEventSchema.parse((await events.next()).value);
  if (start.event !== 'start') throw new Error(`not a start: ${start.event}`);
  const said = streamEventSchema.parse((await events.next()).value);
  const asked = (async () => {
    const all = [start, said];
    for await (const event of events) all.push(streamEventSchema.parse(event));
    return all;
  })();
  let told = 0;
  return { requestId: start.data.requestId, asked, goOn: () => gates[told++]?.resolve() };
}
