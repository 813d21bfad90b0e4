/** Requests as no client of ours would send them. */
import { type Problem, problemSchema } from '@timmy-tower/contract';
import { expect } from 'vitest';

import type { TestApp, TestSession } from './harness.ts';

export interface Raw {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends anything, with the session's key and as JSON unless told otherwise. */
export async function sendRaw(
  { app }: TestApp,
  session: TestSession,
  path: string,
  { method = 'POST', body, headers }: Raw = {},
): Promise<RawAnswer> {
  const response = await app.request(path, {
    method,
    headers: { authorization: `Bearer ${session.key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** What an answer that refuses must be: a problem that names itself. */
export function expectProblem({ status, headers, text }: RawAnswer): Problem {
  expect(headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.parse(JSON.parse(text));
  expect(problem).toMatchObject({ status, code: expect.any(String), title: expect.any(String) });
  expect(problem.type.endsWith(`/problems/${problem.code}`)).toBe(true);
  return problem;
}

/** The routes that read a body. */
export const bodyPaths = ({ id }: TestSession): readonly string[] => [
  '/sessions',
  `/sessions/${id}/topup`,
  `/sessions/${id}/request`,
  '/dev/wallet/pay',
];
