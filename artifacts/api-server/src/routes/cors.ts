/**
 * Pages of other origins, where the operator lets them. A preflight is answered at once: nothing is looked up for it. No
 * credentials: a session key is sent by whoever has it, never by a browser on its own.
 */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

const PREFLIGHT_SECONDS = 7200;

/** `origins`: none lets no other page in, and says nothing about it; `*` all of them. */
export function createCors(origins: readonly string[]): MiddlewareHandler | undefined {
  if (origins.length === 0) return undefined;
  const answer = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    // Which of them a path takes, it says itself (405).
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposeHeaders: ['X-Request-Id', 'Retry-After', 'Idempotency-Replayed'],
    maxAge: PREFLIGHT_SECONDS,
  });
  return (context, next) => {
    // Any other OPTIONS is a method like another.
    const isPreflight = context.req.header('access-control-request-method') !== undefined;
    if (context.req.method === 'OPTIONS' && !isPreflight) return next();
    return answer(context, next);
  };
}
