/**
 * Requests that come in one go on one connection (RFC 9112 §9.3.2) are begun one after the other, each once the answer before it
 * was taken, and connections take turns: who sends thousands at once keeps nobody else waiting, and who takes no answers
 * begins no more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Beyond, the connection is not read from. What came with them is parsed already: 64 KiB at most. */
const MOST_WAITING = 16;

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly begin: () => void;
}

interface Connection {
  readonly waiting: Exchange[];
  /** The one that is being answered; for a moment after its end it still is. */
  current: Exchange | undefined;
  isPaused: boolean;
  /** Nothing more is read of it as a request: what is left to do once all before it is answered. */
  refuse: (() => void) | undefined;
}

export class ConnectionTurns {
  readonly #connections = new WeakMap<Socket, Connection>();

  take(exchange: Exchange): void {
    const { socket } = exchange.incoming;
    const connection = this.#of(socket);
    if (connection.refuse) return;
    if (!connection.current) return this.#begin(socket, connection, exchange);
    connection.waiting.push(exchange);
    if (!connection.isPaused && connection.waiting.length > MOST_WAITING) pause(socket, connection);
  }

  /** It is not read from for now: whether a request on it comes to its end is not up to its client. */
  isPaused(socket: Socket): boolean {
    return this.#of(socket).isPaused;
  }

  /**
   * What comes on this connection cannot be read any further. `refuse` runs when what came whole before that was answered, and
   * only the first time.
   */
  refuse(socket: Socket, refuse: () => void): void {
    const connection = this.#of(socket);
    if (connection.refuse) return;
    connection.refuse = refuse;
    // The last of them may be what broke off: it is refused in place of being answered.
    if (connection.waiting.at(-1)?.incoming.complete === false) connection.waiting.pop();
    else if (connection.current?.incoming.complete === false) return refuseInPlaceOf(connection.current, refuse);
    if (!connection.current) refuse();
  }

  #of(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known) return known;
    const connection: Connection = { waiting: [], current: undefined, isPaused: false, refuse: undefined };
    this.#connections.set(socket, connection);
    return connection;
  }

  #begin(socket: Socket, connection: Connection, exchange: Exchange): void {
    connection.current = exchange;
    // Not at once: other connections come first.
    exchange.outgoing.once('close', () => setImmediate(() => this.#goOn(socket, connection)));
    exchange.begin();
  }

  #goOn(socket: Socket, connection: Connection): void {
    connection.current = undefined;
    if (socket.destroyed) return;
    const next = connection.waiting.shift();
    if (connection.isPaused && connection.waiting.length < MOST_WAITING) {
      connection.isPaused = false;
      socket.resume();
    }
    if (next) this.#begin(socket, connection, next);
    else connection.refuse?.();
  }
}

function pause(socket: Socket, connection: Connection): void {
  connection.isPaused = true;
  socket.pause();
  // Whoever reads the body of the one that is being answered resumes it, though that has come whole.
  socket.on('resume', function pauseAgain() {
    if (connection.isPaused) socket.pause();
    else socket.off('resume', pauseAgain);
  });
}

/** Where its answer has begun, nothing can be said any more. */
function refuseInPlaceOf({ incoming, outgoing }: Exchange, refuse: () => void): void {
  if (outgoing.headersSent && !outgoing.writableEnded) incoming.socket.destroySoon();
  else refuse();
}
