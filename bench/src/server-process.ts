import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';

import type { Order } from './server-child.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const CHILD = fileURLToPath(new URL('server-child.ts', import.meta.url));

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

/** The product over HTTP, in a process of its own, so that callers take none of its time. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  /** After a full collection of garbage, in bytes. */
  memory(): Promise<Memory>;
  startProfile(): Promise<void>;
  endProfile(): Promise<Profiler.Profile>;
}

/** Its log goes nowhere, but is written: it is part of the cost. */
export async function startServerProcess(databaseUrl: string): Promise<ServerProcess> {
  await using opening = new AsyncDisposableStack();
  const { path } = opening.use(await temporaryDirectory());
  const child = fork(CHILD, { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] });
  opening.defer(async () => {
    const gone = once(child, 'exit');
    child.disconnect();
    await gone;
  });
  const url = await tell<string>(child, { order: 'open', databaseUrl, directory: path });
  const opened = opening.move();
  return {
    url,
    memory: () => tell<Memory>(child, { order: 'memory' }),
    startProfile: () => tell<void>(child, { order: 'start-profile' }),
    endProfile: () => tell<Profiler.Profile>(child, { order: 'end-profile' }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** @throws {Error} when the child could not, or is gone */
async function tell<Answer>(child: ChildProcess, order: Order): Promise<Answer> {
  const done = new AbortController();
  const { signal } = done;
  child.send(order);
  try {
    const [said]: unknown[] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code]) => [{ error: `the server process ended with ${code}` }]),
    ]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- server-child.ts answers its orders
    const { answer, error } = said as { answer: Answer; error?: string };
    if (error !== undefined) throw new Error(error);
    return answer;
  } finally {
    done.abort();
  }
}
