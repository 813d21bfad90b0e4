import type { Context } from 'hono';
import type { ZodError } from 'zod';

import { invalidRequest } from '../problem.ts';
import type { AppEnv } from './http.ts';

interface Refused {
  readonly target: string;
  readonly success: false;
  readonly error: ZodError;
}

export interface AskedAgain {
  readonly idempotencyKey: string;
  readonly body: unknown;
}

/**
 * For a route whose body this server's limits refuse today: what its `Idempotency-Key` was answered before is answered again,
 * since limits are about what is new. `answerKnown` gives undefined where there is nothing.
 * @throws {AppError} `invalid-request` then
 */
export function unlessKnown<Answer>(
  answerKnown: (context: Context<AppEnv>, asked: AskedAgain) => Promise<Answer | undefined>,
) {
  const answerOrRefuse = async ({ target, error }: Refused, context: Context<AppEnv>): Promise<Answer> => {
    const idempotencyKey = target === 'json' ? context.req.header('idempotency-key') : undefined;
    const known = idempotencyKey && (await answerKnown(context, { idempotencyKey, body: await context.req.json() }));
    if (!known) throw invalidRequest(error);
    return known;
  };
  return (result: Refused | { readonly success: true }, context: Context<AppEnv>) =>
    result.success ? undefined : answerOrRefuse(result, context);
}
