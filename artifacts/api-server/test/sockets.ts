/** The app behind a real listener, and clients that speak bytes to it. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { createLog } from '../src/log.ts';
import type { App } from '../src/routes/http.ts';
import { type ConnectionLimits, connectionLimits, serveApp } from '../src/serve-app.ts';

export interface Listener {
  readonly server: Server;
  readonly port: number;
  /** How many connections it has now. */
  connectionCount(): Promise<number>;
  close(): Promise<void>;
}

/** Serves the app as the real server does, with shorter limits where a test would wait too long. */
export async function openListener(app: App, limits: Partial<ConnectionLimits> = {}): Promise<Listener> {
  const server: Server = serveApp(app, {
    port: 0,
    hostname: '127.0.0.1',
    log: createLog('silent'),
    limits: { ...connectionLimits, ...limits },
  });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it listens on no port');
  return {
    server,
    port: address.port,
    connectionCount: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface RawClient {
  readonly socket: Socket;
  /** What it was sent so far. */
  readonly received: () => string;
  /** The statuses of what it was answered, in order. */
  readonly statuses: () => number[];
  /** Resolves once the connection has ended, from whichever side and in whatever way. */
  readonly closed: Promise<unknown>;
}

/** A connection that does nothing by itself; what goes wrong with it is no error here. */
export async function openClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return {
    socket,
    closed,
    received: () => received,
    statuses: () => [...received.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status)),
  };
}

/** Sends a byte at a time. */
export async function trickle({ socket }: RawClient, text: string): Promise<void> {
  for (const byte of Buffer.from(text, 'latin1')) {
    socket.write(Buffer.of(byte));
    // oxlint-disable-next-line no-await-in-loop -- a byte at a time is the point
    await delay(0);
  }
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request's text. Whoever gives the body says in the headers how long it is. */
export const requestText = ({ method = 'POST', path, headers = [], body = '' }: RawRequest) =>
  [`${method} ${path} HTTP/1.1`, 'Host: tower.test', ...headers, '', body].join('\r\n');
