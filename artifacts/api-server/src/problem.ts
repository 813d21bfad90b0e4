/** Errors as problem documents, RFC 9457. One table: a code without an entry does not compile. */
import { AppError, type ErrorCode, type ProblemDocument } from '@timmy-tower/contract';
import { toAppError } from '@timmy-tower/db';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ZodError } from 'zod';

import { describeError } from './log.ts';

interface ProblemType {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  /** When to come again, where the error itself does not say. */
  readonly retryAfterSeconds?: number;
}

const problems = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'invalid-request': { status: 422, title: 'The request does not fit' },
  unauthorized: { status: 401, title: 'A session key is needed' },
  'insufficient-balance': { status: 402, title: 'The balance is too low' },
  'payment-required': { status: 402, title: 'The session is not paid yet' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Not with this method' },
  'conversation-busy': { status: 409, title: 'The conversation is busy' },
  'idempotency-mismatch': { status: 422, title: 'The idempotency key was used for something else' },
  'session-closed': { status: 410, title: 'The session is closed' },
  'payload-too-large': { status: 413, title: 'The request is too large' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'too-many-readers': { status: 429, title: 'Too many streams of one session' },
  'agent-failed': { status: 502, title: 'The model failed' },
  'agent-busy': { status: 503, title: 'The model is busy' },
  'agent-unavailable': { status: 503, title: 'The model is out of order' },
  'agent-refused': { status: 422, title: 'The model refuses this request' },
  unavailable: { status: 503, title: 'Temporarily unavailable', retryAfterSeconds: 2 },
  'internal-error': { status: 500, title: 'Internal Server Error' },
} as const satisfies Record<ErrorCode, ProblemType>;

const MAX_FAULTS = 20;
const MAX_MESSAGE_LENGTH = 200;

/** The document for any error. What is not an AppError becomes a bare 500: its text is for the log only. */
export function toProblem(error: unknown): ProblemDocument {
  const known = asAppError(error);
  if (!known) return { type: 'about:blank', ...problems['internal-error'], code: 'internal-error' };
  const { status, title, ...retry }: ProblemType = problems[known.code];
  // Callers know one code for a request that is wrong; its status tells the two apart.
  const code = known.code === 'malformed-request' ? 'invalid-request' : known.code;
  return { type: `/problems/${code}`, title, status, detail: known.message, code, ...retry, ...known.fields };
}

/** Every fault of a body, a query or a header, named. */
export function invalidRequest(error: Pick<ZodError, 'issues'>): AppError {
  const errors = error.issues.slice(0, MAX_FAULTS).map((issue) => ({
    path: shorten(issue.path.join('.')),
    message: shorten(issue.message),
  }));
  const detail = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  return new AppError('invalid-request', detail, { fields: { errors } });
}

const shorten = (text: string) => (text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}…` : text);

export function problemResponse(context: Context, error: unknown): Response {
  const problem = toProblem(error);
  if (problem.status >= 500) {
    context.get('log').error({ error: describeError(error), status: problem.status }, problem.title);
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
  if (typeof problem['allow'] === 'string') headers['allow'] = problem['allow'];
  if (typeof problem['retryAfterSeconds'] === 'number') headers['retry-after'] = String(problem['retryAfterSeconds']);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every status is one of the table's, or 500
  return context.body(JSON.stringify(problem), { status: problem.status as ContentfulStatusCode, headers });
}

function asAppError(error: unknown): AppError | undefined {
  const meaning = toAppError(error);
  if (meaning instanceof AppError) return meaning;
  // What Hono itself refuses before a route runs: a body that is not JSON, an unreadable header.
  if (meaning instanceof HTTPException && meaning.status < 500) {
    return new AppError('malformed-request', 'The request cannot be read.', { cause: meaning });
  }
  return undefined;
}
