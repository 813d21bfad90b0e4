/** Those who have nothing to do with what is frozen: they take turns all the time, and none may fail or wait. */
import { setTimeout as delay } from 'node:timers/promises';

import { CUT, call } from '../http.ts';
import type { KnownSession } from '../journal.ts';
import type { Scene } from '../scene.ts';
import type { ServerProcess } from '../server-process.ts';

export const MOST_WAIT_MS = 3000;
const PAUSE_MS = 40;
/** Longer than a lease: it must be renewed meanwhile. */
const LONG_TURN_MS = 17_000;

export interface StrangersReport {
  readonly turns: number;
  readonly longestWaitMs: number;
}

export interface Strangers {
  /** Begins a turn that takes longer than a lease. */
  beginLongTurn(session: KnownSession, server: ServerProcess): Promise<void>;
  /** Resolves once all have ended what they were doing. */
  stop(): Promise<StrangersReport>;
}

/** Each of these sessions takes one turn after the other at its server; what goes wrong is reported. */
export function startStrangers(
  scene: Scene,
  strangers: ReadonlyArray<{ readonly session: KnownSession; readonly server: ServerProcess }>,
  during: string,
): Strangers {
  let stopped = false;
  const isStopped = () => stopped;
  let turns = 0;
  let longestWaitMs = 0;
  const turn = async (session: KnownSession, server: ServerProcess, thinkMs: number) => {
    const sentAtMs = performance.now();
    const status = await takeTurn(session, server, thinkMs);
    const waitedMs = Math.round(performance.now() - sentAtMs - thinkMs);
    turns += 1;
    longestWaitMs = Math.max(longestWaitMs, waitedMs);
    const rows = [session.id, server.name, `status ${status}`, `${waitedMs} ms`, `during ${during}`];
    if (status !== 200) scene.report('a stranger’s turn goes on', rows);
    else if (waitedMs > MOST_WAIT_MS) scene.report(`a stranger waits ${MOST_WAIT_MS / 1000} s at most`, rows);
  };
  const working = strangers.map(async ({ session, server }) => {
    while (!isStopped()) {
      await turn(session, server, 0);
      await delay(PAUSE_MS);
    }
  });
  return {
    beginLongTurn: (session, server) => turn(session, server, LONG_TURN_MS),
    async stop() {
      stopped = true;
      await Promise.all(working);
      return { turns, longestWaitMs };
    },
  };
}

/** @returns its status; 0: the connection broke */
async function takeTurn(session: KnownSession, server: ServerProcess, thinkMs: number): Promise<number> {
  const content = thinkMs > 0 ? `[think ${thinkMs}]` : 'Hello';
  const answer = await call(server, `/sessions/${session.id}/request`, {
    key: session.key,
    body: JSON.stringify({ content, maxOutputTokens: 20 }),
  });
  return answer === CUT ? 0 : answer.status;
}
