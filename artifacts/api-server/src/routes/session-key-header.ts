/**
 * The session key that a request brings: in `Authorization: Bearer`, or, where a proxy in front wants that header for a
 * password or a token of its own, in `X-Session-Key`.
 */
import { AppError } from '@timmy-tower/contract';
import type { Context } from 'hono';

import { parseSessionKey } from '../sessions/session-key.ts';

export const NO_KEY = 'Send the session key: `Authorization: Bearer tt_…`, or `X-Session-Key: tt_…`.';

export interface KeyOfRequest {
  /** Whatever stands where a key belongs. */
  readonly key: string | undefined;
  /** There are two, and they differ: none of them is chosen. */
  readonly isAmbiguous: boolean;
}

/** Beside `X-Session-Key` a Bearer token that is no session key is the proxy's, and none of ours. */
export function readSessionKey({ req }: Context): KeyOfRequest {
  const bearer = /^Bearer +(\S+)$/i.exec(req.header('authorization') ?? '')?.[1];
  const own = req.header('x-session-key')?.trim();
  if (own === undefined) return { key: bearer, isAmbiguous: false };
  const isAmbiguous = bearer !== undefined && bearer !== own && parseSessionKey(bearer) !== undefined;
  return { key: own, isAmbiguous };
}

export function twoKeys(): AppError {
  return new AppError(
    'malformed-request',
    'Two different session keys came, in Authorization and in X-Session-Key. Send one of them.',
  );
}
