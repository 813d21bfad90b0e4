/** What is refused before it is a request of the app: it cannot be read, or does not come to its end. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';

import { AppError, type ErrorCode } from '@timmy-tower/contract';

import { toProblem } from './problem.ts';

export interface Refusal {
  readonly status: number;
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reason {
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

const MALFORMED: Reason = { status: 400, code: 'malformed-request', detail: 'It is not HTTP as RFC 9112 has it.' };
export const NO_HOST: Reason = { ...MALFORMED, detail: 'Send one Host header: it names whom the request is for.' };
export const NO_SUCH_URL: Reason = { ...MALFORMED, detail: 'Its host or its path cannot be read.' };
export const UNKNOWN_EXPECTATION: Reason = {
  status: 417,
  code: 'malformed-request',
  detail: 'Of expectations only `100-continue` is met: leave the Expect header out.',
};

/** By the codes of Node's parser and its time limits. */
const reasons = new Map<unknown, Reason>([
  [
    'HPE_HEADER_OVERFLOW',
    { status: 431, code: 'payload-too-large', detail: 'Path and headers may have 16 KiB at most.' },
  ],
  [
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    { status: 413, code: 'payload-too-large', detail: 'Its chunks have extensions that are too long.' },
  ],
  [
    'ERR_HTTP_REQUEST_TIMEOUT',
    { status: 408, code: 'malformed-request', detail: 'It did not come to its end in time.' },
  ],
]);

/** What Node would answer by itself. */
export const refuseByCode = ({ code }: NodeJS.ErrnoException): Refusal => refuse(reasons.get(code) ?? MALFORMED);

export function refuse({ status, code, detail }: Reason): Refusal {
  return refuseWith({ ...toProblem(new AppError(code, detail)), status });
}

export function refuseWith(problem: ReturnType<typeof toProblem>): Refusal {
  const body = JSON.stringify(problem);
  const requestId = randomUUID();
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': requestId,
    Connection: 'close',
  };
  return { status: problem.status, requestId, headers, body };
}

/** For a connection on which no answer can be begun in another way. */
export function toBytes({ status, headers, body }: Refusal): string {
  const lines = Object.entries({ ...headers, Date: new Date().toUTCString() }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n');
}
