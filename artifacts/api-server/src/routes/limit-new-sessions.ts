import { AppError } from '@timmy-tower/contract';
import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import type { Deps } from '../deps.ts';
import { clientNetwork } from './client-address.ts';
import type { AppEnv } from './http.ts';

/** Opening a session costs the wallet an invoice, and needs no key: limited per address. */
export function limitNewSessions({
  newSessionsPerMinute,
  trustedProxies,
}: Pick<Deps, 'newSessionsPerMinute' | 'trustedProxies'>) {
  const limiter = new RateLimiterMemory({ points: newSessionsPerMinute, duration: 60 });
  return createMiddleware<AppEnv>(async (context, next) => {
    try {
      await limiter.consume(clientNetwork(context, trustedProxies));
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
