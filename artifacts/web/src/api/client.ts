/**
 * Calls to the server that served this page. The session key travels in a header, never in a URL. What stands between the two may
 * answer in the server's place: only what is surely the server's own decides anything.
 */
import type { Problem } from '@timmy-tower/contract';

import { noteServerTime } from './server-clock.ts';

/** Whatever answers at all answers within this: a connection that is dead does not always say so. */
const ANSWER_MS = 30_000;

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly key?: string;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** The server answered with a problem document of its own. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;
  /** The last word of the problem's type. */
  readonly code: string;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options);
    this.problem = problem;
    this.code = problem.type.split('/').at(-1)!;
  }
}

/** The server said nothing: nobody answered, or something on the way did. What became of the call is not known. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly code = 'unreachable';
  /** What was answered in the server's place; 0 when nobody answered. */
  readonly status: number;

  constructor(status = 0, options?: ErrorOptions) {
    super(status === 0 ? 'The server cannot be reached' : `No proper answer came (${status})`, options);
    this.status = status;
  }
}

/**
 * An answer in JSON. `holds` is what the server always sends with it: an answer without it is another's.
 * @throws {ApiError | UnreachableError}
 */
export async function callApi<T>(
  path: string,
  { holds, signal, ...options }: CallOptions & { readonly holds: keyof T & string },
): Promise<T> {
  return withinTime(signal, async (limited) => {
    const response = await requestApi(path, { ...options, signal: limited });
    const answer: unknown = await response.json().catch((cause: unknown) => {
      throw new UnreachableError(response.status, { cause });
    });
    if (typeof answer !== 'object' || answer === null || !(holds in answer))
      throw new UnreachableError(response.status);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- same origin, same contract
    return answer as T;
  });
}

/** A call whose success is an answer without content. @throws {ApiError | UnreachableError} */
export async function callWithoutAnswer(path: string, options: CallOptions): Promise<void> {
  await withinTime(options.signal, async (signal) => {
    const { status } = await requestApi(path, { ...options, signal });
    if (status !== 204) throw new UnreachableError(status);
  });
}

/** An answer as it comes. @throws {ApiError | UnreachableError} unless it is server-sent events */
export async function streamApi(
  path: string,
  { headers, ...options }: CallOptions,
): Promise<ReadableStream<Uint8Array>> {
  const response = await requestApi(path, { ...options, headers: { ...headers, accept: 'text/event-stream' } });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  if (!isStream || !response.body) throw new UnreachableError(response.status);
  return response.body;
}

/** @throws {ApiError | UnreachableError} unless the answer is a good one */
async function requestApi(path: string, options: CallOptions): Promise<Response> {
  const { method, key, json, headers, signal } = options;
  const sentAt = Date.now();
  let response: Response;
  try {
    response = await fetch(`.${path}`, {
      method: method ?? (json === undefined ? 'GET' : 'POST'),
      headers: {
        // Not in Authorization: a proxy may want that for a password, and the browser sends it by itself.
        ...(key === undefined ? {} : { 'x-session-key': key }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: json === undefined ? null : JSON.stringify(json),
      signal: signal ?? null,
      // The server sends nobody elsewhere: keys and words do not follow.
      redirect: 'error',
    });
  } catch (cause) {
    throw new UnreachableError(0, { cause });
  }
  if (!response.ok) throw await failureOf(response);
  noteServerTime(response.headers.get('date'), sentAt);
  return response;
}

async function failureOf(response: Response): Promise<ApiError | UnreachableError> {
  try {
    const document: unknown = await response.json();
    if (isOurs(document)) return new ApiError(document);
  } catch {
    // Not even JSON: a proxy's page.
  }
  return new UnreachableError(response.status);
}

/**
 * A proxy may send problem documents too, and the server's own bare 500 says nothing of what became of a call. The key was sent:
 * a server that says there is none is one of an earlier version, still there while another takes its place, or lost its header on
 * the way. That passes, and says nothing of the key.
 */
function isOurs(document: unknown): document is Problem {
  if (typeof document !== 'object' || document === null) return false;
  const { type, title, status, code } = document as Record<string, unknown>;
  const isNamed = typeof code === 'string' && typeof type === 'string' && type.endsWith(`problems/${code}`);
  return isNamed && code !== 'unauthorized' && typeof title === 'string' && typeof status === 'number';
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const { message: title } = error instanceof UnreachableError ? error : new UnreachableError();
  return { type: 'about:blank', title, status: 0 };
}

async function withinTime<T>(signal: AbortSignal | undefined, call: (limited: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(abort, ANSWER_MS);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  try {
    return await call(limit.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
