import { getConnInfo } from '@hono/node-server/conninfo';
import { AppError } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import type { AppEnv } from './http.ts';

/** Opening a session costs the wallet an invoice, and needs no key: limited per address. */
export function limitNewSessions(perMinute: number) {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return createMiddleware<AppEnv>(async (context, next) => {
    try {
      await limiter.consume(addressOf(context));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterSeconds = Math.ceil(refused.msBeforeNext / 1000);
      throw new AppError(
        'rate-limited',
        `Too many new sessions from this address: try again in ${retryAfterSeconds} s.`,
        {
          fields: { retryAfterSeconds },
        },
      );
    }
    await next();
  });
}

/** The peer's address. A request that came through no socket (a test's) has none. */
function addressOf(context: Context): string {
  if (!context.env || !('incoming' in context.env)) return 'none';
  return getConnInfo(context).remote.address ?? 'none';
}
