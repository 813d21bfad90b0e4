/** Calls to the server that served this page. The session key travels in a header, never in a URL. */
import type { Problem } from '@timmy-tower/contract';

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly key?: string;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** The server answered with a problem document. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** No answer came: offline, or the server is down. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** @throws {ApiError | UnreachableError} */
export async function callApi<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await requestApi(path, options);
  if (response.status === 204) return undefined as T;
  try {
    // What the server says it sends: same origin, same contract.
    return (await response.json()) as T;
  } catch (cause) {
    throw new UnreachableError('The answer broke off.', { cause });
  }
}

/** @throws {ApiError | UnreachableError} unless the answer is a good one */
export async function requestApi(path: string, options: CallOptions = {}): Promise<Response> {
  const { method, key, json, headers, signal } = options;
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
    });
  } catch (cause) {
    throw new UnreachableError('The server cannot be reached.', { cause });
  }
  if (response.ok) return response;
  throw new ApiError(await readProblem(response));
}

async function readProblem(response: Response): Promise<Problem> {
  const bare = { type: 'about:blank', title: `The server answered ${response.status}`, status: response.status };
  try {
    return { ...bare, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return bare;
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { type: 'about:blank', title: 'The server cannot be reached', status: 0 };
}
