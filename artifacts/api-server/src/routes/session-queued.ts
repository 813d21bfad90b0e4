/** What callers of one session hold of the memory: each in its turn, and no more of them at once than its queue lets in. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

import type { Context, MiddlewareHandler } from 'hono';
import { createMiddleware } from 'hono/factory';

import type { SessionQueue } from '../sessions/session-queues.ts';
import type { AppEnv } from './http.ts';

/** `receive` reads the body: whoever has to wait is not read from meanwhile. */
export const inTurn = (queue: SessionQueue, receive: MiddlewareHandler<AppEnv>) =>
  createMiddleware<AppEnv>(async (context, next) => {
    await queue.run(context.get('caller').sessionId, async () => receive(context, async () => {}));
    await next();
  });

/** The place is kept until the answer was taken, or its caller is gone. */
export const untilTaken = (queue: SessionQueue) =>
  createMiddleware<AppEnv>(async (context, next) => {
    const entered = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const holding = async () => {
      entered.resolve();
      await answered.promise;
      await taken(context);
    };
    queue.run(context.get('caller').sessionId, holding).catch(entered.reject);
    await entered.promise;
    await next().finally(answered.resolve);
  });

async function taken(context: Context): Promise<void> {
  const response = responseOf(context);
  if (response && !response.closed) await once(response, 'close');
}

/** A request that came through no socket (a test's) has none. */
export function responseOf({ env = {} }: Context): ServerResponse | undefined {
  return 'outgoing' in env ? env.outgoing : undefined;
}
