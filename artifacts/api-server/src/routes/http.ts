/** What the routes share: who calls, and the problems that they may answer. */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { problemSchema } from '@timmy-tower/contract';
import type { Context } from 'hono';
import type { Logger } from 'pino';

import type { Caller } from '../sessions/session-key.ts';

export interface AppEnv {
  /** `isPaid`: its session was paid at some time. */
  Variables: { caller: Caller; isPaid: boolean; log: Logger };
}
export type App = OpenAPIHono<AppEnv>;

const statuses = {
  400: 'The request cannot be read',
  401: 'No session key',
  402: 'Not paid yet, or the balance is too low: comes with an invoice',
  404: 'No such session for this key',
  409: 'Another request of this conversation is running',
  410: 'The session is closed or expired',
  413: 'The request is too large',
  422: 'The request does not fit: every fault is named; or the model’s provider refuses it as it is',
  429: 'Too many calls of this kind: `Retry-After` says when to come back',
  502: 'The model failed: nothing stored, nothing charged',
  503: 'Wallet or database are out of reach, the model is busy (`Retry-After`), or it is out of order until the operator acts',
} as const;

/** The problem documents that a route can answer, for OpenAPI. */
export function problemsOf<const Status extends keyof typeof statuses>(...answered: readonly Status[]) {
  const content = { 'application/problem+json': { schema: problemSchema } };
  const responses = answered.map((status) => [status, { description: statuses[status], content }]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets its keys
  return Object.fromEntries(responses) as Record<Status, { description: string; content: typeof content }>;
}

/** Of what can be asked for twice. */
export const replayedHeader = z.object({
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'It was answered before: nothing was made or charged anew' }),
});

export function tellReplayed(context: Context): void {
  context.header('Idempotency-Replayed', 'true');
}
