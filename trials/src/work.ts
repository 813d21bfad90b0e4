import type { Client } from './client.ts';
import type { Random } from './random.ts';

export interface Work {
  /** Nobody begins anything new; resolves once all have ended what they were doing. */
  stop(): Promise<void>;
  /** Nobody begins anything new. */
  announceStop(): void;
}

/** Sets all clients to work at once. */
export function startWork(clients: readonly Client[], random: Random): Work {
  let stopped = false;
  const working = Promise.all(
    clients.map((client, index) => client.work(random.fork(`client ${index}`), () => stopped)),
  );
  working.catch(() => {}); // `stop` tells
  return {
    announceStop() {
      stopped = true;
    },
    async stop() {
      stopped = true;
      await working;
    },
  };
}
