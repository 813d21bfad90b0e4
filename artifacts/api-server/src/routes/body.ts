/**
 * A body that can be read, of no more bytes than its route takes. What is too long is taken in and dropped before it is
 * refused: many clients look for an answer only once they have sent everything, and lose one that comes with a closed
 * connection. How long that may take is bounded by the server's time limit for a request.
 */
import { AppError } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';

import { MOST_DROPPED_BYTES } from '../serve-app.ts';
import type { AppEnv } from './http.ts';

/** A message of the greatest length, escaped, with what surrounds it. */
const MAX_BODY_BYTES = 512 * 1024;
/** Any other body, which is read of those who have not paid: an amount, an invoice. */
const MAX_SMALL_BODY_BYTES = 16 * 1024;

/**
 * A whole body of JSON that can be stored.
 * @throws {AppError} `payload-too-large`, or `malformed-request` for one that broke off, is not JSON, or cannot be stored
 */
function readableUpTo(maxBytes: number) {
  return createMiddleware<AppEnv>(async (context, next) => {
    const body = await readBody(context, maxBytes);
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
async function readBody(context: Context, maxBytes: number): Promise<ArrayBuffer> {
  const { req } = context;
  const declared = declaredLength(context);
  try {
    if (declared !== undefined && declared <= maxBytes) return await req.arrayBuffer();
    const fits = declared === undefined || declared <= MOST_DROPPED_BYTES;
    const body = fits ? await readUpTo(req.raw.body, maxBytes) : undefined;
    if (!body) throw tooLarge(maxBytes);
    req.raw = new Request(req.url, { method: req.method, headers: req.raw.headers, body });
    return await req.arrayBuffer();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('malformed-request', 'The body broke off before its end.', { cause });
  }
}

/** The parser of HTTP sees to it that no more comes than was declared. */
function declaredLength({ req }: Context): number | undefined {
  const length = req.header('content-length');
  return length === undefined || req.header('transfer-encoding') !== undefined ? undefined : Number(length);
}

/** undefined: there was more, which was taken in and dropped, up to a bound. */
async function readUpTo(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Never cancelled: that would close the connection before it is answered.
  const reader = (body ?? new Response('').body!).getReader();
  while (size <= MOST_DROPPED_BYTES) {
    // oxlint-disable-next-line no-await-in-loop -- a stream is read in its order
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size <= maxBytes) chunks.push(value);
    else chunks.length = 0;
  }
  return size <= maxBytes ? new Uint8Array(Buffer.concat(chunks)) : undefined;
}

const tooLarge = (maxBytes: number) =>
  new AppError('payload-too-large', `The body of this request may have ${maxBytes / 1024} KiB at most.`);

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
