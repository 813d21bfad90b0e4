/** What the routes share: who calls, and a body that can be read. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { AppError, problemSchema } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import type { Logger } from 'pino';

import type { Caller } from '../sessions/session-key.ts';

export interface AppEnv {
  /** `isPaid`: its session was paid at some time. */
  Variables: { caller: Caller; isPaid: boolean; log: Logger };
}
export type App = OpenAPIHono<AppEnv>;

/** A message of the greatest length, escaped, with what surrounds it. */
const MAX_BODY_BYTES = 512 * 1024;
/** Any other body, which is read of those who have not paid: an amount, an invoice. */
const MAX_SMALL_BODY_BYTES = 16 * 1024;

/**
 * A whole body of JSON that can be stored.
 * @throws {AppError} `payload-too-large`, or `malformed-request` for one that broke off, is not JSON, or cannot be stored
 */
function readableUpTo(maxBytes: number) {
  const limitBody = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new AppError('payload-too-large', `The body of this request may have ${maxBytes / 1024} KiB at most.`);
    },
  });
  return createMiddleware<AppEnv>(async (context, next) => {
    const body = await readBody(context, () => limitBody(context, async () => {}));
    const type = context.req.header('content-type') ?? '';
    if (!/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type)) {
      throw new AppError('malformed-request', 'Send JSON, with `Content-Type: application/json`.');
    }
    assertStorable(parseJson(body));
    await next();
  });
}

export const readableJson = readableUpTo(MAX_SMALL_BODY_BYTES);
export const readableMessage = readableUpTo(MAX_BODY_BYTES);

/** Hono keeps it for whoever reads it afterwards. */
async function readBody(context: Context, limit: () => Promise<unknown>): Promise<ArrayBuffer> {
  try {
    await limit();
    return await context.req.arrayBuffer();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('malformed-request', 'The body broke off before its end.', { cause });
  }
}

function parseJson(body: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // Without its cause: the parser's message quotes what was sent.
    throw new AppError('malformed-request', 'The body is not valid JSON in UTF-8.');
  }
}

/** PostgreSQL cannot hold U+0000, and half a character would come back changed. */
function assertStorable(body: unknown): void {
  const rest: unknown[] = [body];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') assertStorableText(value);
    if (typeof value !== 'object' || value === null) continue;
    // One by one: an argument list of a hundred thousand would overflow the stack.
    for (const item of Object.values(value)) rest.push(item);
    if (!Array.isArray(value)) for (const name of Object.keys(value)) assertStorableText(name);
  }
}

export function assertStorableText(text: string): void {
  if (text.includes('\0')) throw new AppError('malformed-request', 'Text must not contain U+0000.');
  if (!text.isWellFormed()) {
    throw new AppError('malformed-request', 'Text must be whole characters: it contains a lone surrogate.');
  }
}

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
