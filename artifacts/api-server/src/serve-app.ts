/** The HTTP server around the app, and how long a connection may take: a slow or silent client holds nothing for long. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { getRequestListener, RequestError } from '@hono/node-server';
import type { Logger } from 'pino';

import { ConnectionTurns } from './connection-turns.ts';
import { toProblem } from './problem.ts';
import {
  NO_HOST,
  NO_SUCH_URL,
  type Reason,
  type Refusal,
  refuse,
  refuseByCode,
  refuseWith,
  toBytes,
  UNKNOWN_EXPECTATION,
} from './refusal.ts';
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
  readonly log: Logger;
  readonly limits?: ConnectionLimits;
}

/** Begins to listen: wait for `listening`. */
export function serveApp({ fetch }: App, { port, hostname, log, limits = connectionLimits }: ServeOptions): Server {
  const turns = new ConnectionTurns();
  const tell = ({ requestId, status }: Refusal) => log.info({ httpRequestId: requestId, status }, 'refused unread');
  const listener = getRequestListener(fetch, {
    hostname: 'localhost', // for those who name no host, as HTTP/1.0 allows
    autoCleanupIncoming: false,
    errorHandler: (error) => {
      const refusal = refuseUnreadable(error);
      tell(refusal);
      return new Response(refusal.body, { status: refusal.status, headers: refusal.headers });
    },
  });
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // Not later: at `finish` Node would begin to drop it by itself, without a bound.
    outgoing.once('prefinish', () => dropRest(incoming, limits.droppingMs));
    const reason = findFault(incoming);
    const begin = () => {
      if (!reason) return void listener(incoming, outgoing);
      const refusal = refuse(reason);
      tell(refusal);
      outgoing.writeHead(refusal.status, refusal.headers).end(refusal.body);
    };
    turns.take({ incoming, outgoing, begin });
  };
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      requireHostHeader: false, // looked for in `findFault`
    },
    answer,
  );
  server.on('checkExpectation', answer);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable) return void socket.destroy();
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && turns.isPaused(socket)) return;
    turns.refuse(socket, () => {
      const refusal = refuseByCode(error);
      tell(refusal);
      endWith(socket, refusal, limits.droppingMs);
    });
  });
  server.timeout = limits.silenceMs;
  return server.listen(port, hostname);
}

/** What Node would refuse by itself, or let pass though two servers could read it in two ways. */
function findFault({ httpVersion, headers, rawHeaders }: IncomingMessage): Reason | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return NO_HOST;
  const expectsMore = headers.expect !== undefined && !/^100-continue$/i.test(headers.expect);
  return expectsMore && httpVersion === '1.1' ? UNKNOWN_EXPECTATION : undefined;
}

/** The last that is said on a connection. What still comes is dropped for a while, so that it is seen. */
function endWith(socket: Socket, refusal: Refusal, droppingMs: number): void {
  socket.end(toBytes(refusal));
  const timer = setTimeout(() => socket.destroy(), droppingMs);
  socket.once('close', () => clearTimeout(timer));
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
function refuseUnreadable(error: unknown): Refusal {
  return error instanceof RequestError ? refuse(NO_SUCH_URL) : refuseWith(toProblem(error));
}
