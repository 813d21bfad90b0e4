/** Somebody who reads a session's events: what is sent waits here, and only for as long as it is taken. */
import type { ServerResponse } from 'node:http';
import type { UnderlyingSource } from 'node:stream/web';

import type { SessionEvent, StreamEvent } from '@timmy-tower/contract';
import type { StoredSession } from '@timmy-tower/db';

const encoder = new TextEncoder();
const PING = encoder.encode(': ping\n\n');

/** Once for all who read it. */
export function encodeEvent({ event, data }: SessionEvent | StreamEvent): Uint8Array {
  return encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Where readers are told of changes. */
export interface SessionReaders {
  join(reader: SessionReader): void;
  leave(reader: SessionReader): void;
}

export interface SessionReaderOptions {
  /** As it was found when the key was checked. */
  readonly session: StoredSession;
  readonly keyHash: Buffer;
  readonly network: string;
  /** What it is read through; a request that came through no socket (a test's) has none. */
  readonly response: ServerResponse | undefined;
}

/**
 * The source of one reader's stream. It joins the others when its first bytes are asked for: an answer whose body nobody
 * reads (to HEAD, or to a caller who is gone by then) leaves nothing behind.
 */
export class SessionReader implements UnderlyingSource<Uint8Array> {
  readonly session: StoredSession;
  readonly keyHash: Buffer;
  readonly network: string;
  readonly #response: ServerResponse | undefined;
  readonly #readers: SessionReaders;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wasBehind = false;

  constructor(readers: SessionReaders, { session, keyHash, network, response }: SessionReaderOptions) {
    this.#readers = readers;
    this.session = session;
    this.keyHash = keyHash;
    this.network = network;
    this.#response = response;
  }

  pull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#controller) return;
    this.#controller = controller;
    this.#readers.join(this);
  }

  cancel(): void {
    this.#readers.leave(this);
  }

  send(event: Uint8Array): void {
    this.#controller?.enqueue(event);
  }

  end(): void {
    this.#controller?.close();
  }

  /** Ends it, and its connection with what waits there to be taken. */
  cut(): void {
    this.end();
    this.#response?.req.socket.destroy();
  }

  /** @returns false for one who had something to take at this ping and at the one before: nothing more is sent then */
  ping(): boolean {
    const isBehind = this.#isBehind();
    if (isBehind && this.#wasBehind) return false;
    this.#wasBehind = isBehind;
    if (!isBehind) this.send(PING);
    return true;
  }

  #isBehind(): boolean {
    const waiting = this.#controller?.desiredSize ?? 0;
    return waiting < 0 || (this.#response?.writableLength ?? 0) > 0;
  }
}
