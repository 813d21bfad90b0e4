/** Those who want something of the very session that is locked: they may be refused, in time and in order. */
import { CUT, call } from '../http.ts';
import type { KnownSession } from '../journal.ts';
import type { Scene } from '../scene.ts';
import type { ServerProcess } from '../server-process.ts';

/** More than a server has connections. */
const AT_ONCE = 12;
const MOST_WAIT_MS = 15_000;

export interface Victims {
  /** Resolves once all have their answers. */
  stop(): Promise<void>;
}

export function startVictims(
  scene: Scene,
  { session, servers, during }: { session: KnownSession; servers: readonly ServerProcess[]; during: string },
): Victims {
  let stopped = false;
  const isStopped = () => stopped;
  const work = async (server: ServerProcess, index: number) => {
    for (let step = index; !isStopped(); step += 1) {
      const wish = wishes[step % wishes.length]!;
      const sentAtMs = performance.now();
      const answer = await wish(session, server);
      const waitedMs = Math.round(performance.now() - sentAtMs);
      const rows = [session.id, server.name, `${waitedMs} ms`, `during ${during}`];
      if (answer === CUT) scene.report('a running server answers', rows);
      else if (answer.status >= 500 && (answer.status !== 503 || answer.retryAfter === undefined)) {
        scene.report('a lock that is not had is 503 with Retry-After', [`status ${answer.status}`, ...rows]);
      } else if (waitedMs > MOST_WAIT_MS) scene.report('whoever wants what is locked is told in time', rows);
    }
  };
  const working = servers.flatMap((server) => Array.from({ length: AT_ONCE }, (_, index) => work(server, index)));
  return {
    async stop() {
      stopped = true;
      await Promise.all(working);
    },
  };
}

const takeTurn = ({ id, key }: KnownSession, server: ServerProcess) =>
  call(server, `/sessions/${id}/request`, { key, body: JSON.stringify({ content: 'Hello', maxOutputTokens: 20 }) });
const topUp = ({ id, key }: KnownSession, server: ServerProcess) =>
  call(server, `/sessions/${id}/topup`, { key, body: JSON.stringify({ amountSats: 50 }) });
const forget = ({ id, key }: KnownSession, server: ServerProcess) =>
  call(server, `/sessions/${id}/messages`, { key, method: 'DELETE' });
const wishes = [takeTurn, takeTurn, takeTurn, topUp, forget];
