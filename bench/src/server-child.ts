/** The product behind a real listener, in a process of its own; told what to do by its parent. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createApp } from '@timmy-tower/api-server/app.ts';
import { createLog } from '@timmy-tower/api-server/log.ts';
import { startRecovery } from '@timmy-tower/api-server/sessions/recover.ts';
import { openDatabase } from '@timmy-tower/db';

import { openProduct } from './product.ts';

/** From the parent: an order. To it: the answer. */
export interface Order {
  readonly order: 'open' | 'memory' | 'start-profile' | 'end-profile';
  readonly databaseUrl?: string;
  readonly directory?: string;
}

type Serve = (options: { fetch: unknown; port: number; hostname: string }) => Server;

// The listener is the server's own dependency: it is found from there.
const require = createRequire(import.meta.resolve('@timmy-tower/api-server/app.ts'));
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `require` finds has no type
const { serve } = require('@hono/node-server') as { serve: Serve };

const inspector = new Session();

const answers: Record<Order['order'], (order: Order) => Promise<unknown>> = {
  open: async ({ databaseUrl, directory }) => {
    const { db } = await openDatabase(databaseUrl!);
    const { deps } = await openProduct(db, { log: createLog(), walletDirectory: directory! });
    startRecovery(deps);
    const server = serve({ fetch: createApp(deps).fetch, port: 0, hostname: '127.0.0.1' });
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : undefined;
  },
  memory: async () => {
    collectGarbage();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
  'start-profile': async () => {
    inspector.connect();
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: 500 });
    await inspector.post('Profiler.start');
  },
  'end-profile': async () => {
    const { profile } = await inspector.post('Profiler.stop');
    inspector.disconnect();
    return profile;
  },
};

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') for (let run = 0; run < 3; run += 1) collect();
}

process.on('message', (order: Order) => {
  answers[order.order](order).then(
    (answer) => process.send?.({ answer: answer ?? null }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
