/** The HTTP server around the app, and how long a connection may take: a slow or silent client holds nothing for long. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';

import { getRequestListener, RequestError } from '@hono/node-server';
import { AppError } from '@timmy-tower/contract';

import { toProblem } from './problem.ts';
import type { App } from './routes/http.ts';

export interface ConnectionLimits {
  /** From a connection's or a request's first moment to the end of its headers. */
  readonly headersMs: number;
  /** To the end of its body. */
  readonly requestMs: number;
  /** Nothing sent and nothing taken: longer than the longest turn, which may be waited for in silence. */
  readonly silenceMs: number;
  /** How often the first two are looked at. */
  readonly checkMs: number;
  /** For how long the rest of a body is taken in once it is answered: see `dropRest`. */
  readonly droppingMs: number;
}

export const connectionLimits: ConnectionLimits = {
  headersMs: 10_000,
  requestMs: 60_000,
  silenceMs: 660_000,
  checkMs: 1000,
  droppingMs: 10_000,
};

/** Of a body that nobody reads. */
export const MOST_DROPPED_BYTES = 8 * 1024 * 1024;

export interface ServeOptions {
  readonly port: number;
  readonly hostname: string;
  readonly limits?: ConnectionLimits;
}

/** Begins to listen: wait for `listening`. */
export function serveApp({ fetch }: App, { port, hostname, limits = connectionLimits }: ServeOptions): Server {
  const listener = getRequestListener(fetch, {
    hostname: 'localhost', // for those who name no host, as HTTP/1.0 allows
    autoCleanupIncoming: false,
    errorHandler: unreadable,
  });
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
    },
    (incoming, outgoing) => {
      // Not later: at `finish` Node would begin to drop it by itself, without a bound.
      outgoing.once('prefinish', () => dropRest(incoming, limits.droppingMs));
      void listener(incoming, outgoing);
    },
  );
  server.timeout = limits.silenceMs;
  return server.listen(port, hostname);
}

/**
 * A request is often answered before its body was read: refused, or nothing is there. Closing the connection then would take the
 * answer from a client that still sends, so the rest is taken in and dropped, for a while and up to a number of bytes.
 */
function dropRest(incoming: IncomingMessage, droppingMs: number): void {
  if (incoming.complete) return;
  const { socket } = incoming;
  const cut = () => socket.destroySoon();
  const timer = setTimeout(cut, droppingMs);
  let left = MOST_DROPPED_BYTES;
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) cut();
  });
  for (const end of ['end', 'close']) incoming.once(end, () => clearTimeout(timer));
  incoming.resume();
}

/** What cannot even be made a request of: no URL comes of its host and its path. */
function unreadable(error: unknown): Response {
  const isOurs = !(error instanceof RequestError);
  const problem = toProblem(isOurs ? error : new AppError('malformed-request', 'Its host or its path cannot be read.'));
  const headers = { 'content-type': 'application/problem+json', 'x-request-id': randomUUID() };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
