/** The HTTP server around the app, and how long a connection may take: a slow or silent client holds nothing for long. */
import type { Server } from 'node:http';

import { serve } from '@hono/node-server';

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
}

export const connectionLimits: ConnectionLimits = {
  headersMs: 10_000,
  requestMs: 60_000,
  silenceMs: 660_000,
  checkMs: 1000,
};

export interface ServeOptions {
  readonly port: number;
  readonly hostname: string;
  readonly limits?: ConnectionLimits;
}

/** Begins to listen: wait for `listening`. */
export function serveApp({ fetch }: App, { port, hostname, limits = connectionLimits }: ServeOptions): Server {
  const serverOptions = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- plain HTTP unless told otherwise
  const server = serve({ fetch, port, hostname, serverOptions }) as Server;
  server.timeout = limits.silenceMs;
  return server;
}
