/** Somebody who reads a reply along: it is sent from where the last of it ended, when its reader asks for more. */
import type { StreamEvent } from '@timmy-tower/contract';

import type { ReplyFollower, RunningReply } from './running-reply.ts';
import { encodeEvent, SessionReader, type SessionReaderOptions, type SessionReaders } from './session-reader.ts';

export interface ReplyReaderOptions extends SessionReaderOptions {
  /** Called when the first bytes are asked for. */
  readonly open: () => RunningReply;
}

/** What its reader does not take is not made for it: a slow one gets more at a time, and the turn never waits. */
export class ReplyReader extends SessionReader implements ReplyFollower {
  readonly #open: () => RunningReply;
  #reply: RunningReply | undefined;
  #asksForMore = false;
  #hasStarted = false;
  /** How many pieces of it were sent. */
  #position = 0;

  constructor(readers: SessionReaders, { open, ...options }: ReplyReaderOptions) {
    super(readers, options);
    this.#open = open;
  }

  override pull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    super.pull(controller);
    if (!this.#reply) {
      this.#reply = this.#open();
      this.#reply.join(this);
    }
    this.#asksForMore = true;
    this.wake();
  }

  wake(): void {
    const event = this.#asksForMore && this.#reply ? this.#next(this.#reply) : undefined;
    if (!event) return;
    this.#asksForMore = false;
    this.send(encodeEvent(event));
    if (event.event !== 'done' && event.event !== 'error') return;
    this.cancel();
    this.end();
  }

  override cancel(): void {
    this.#reply?.leave(this);
    super.cancel();
  }

  override end(): void {
    this.#reply?.leave(this);
    super.end();
  }

  #next(reply: RunningReply): StreamEvent | undefined {
    const { requestId, shown, length, ending } = reply;
    if (shown && !this.#hasStarted) {
      this.#hasStarted = true;
      return { event: 'start', data: { requestId, history: shown } };
    }
    if (length > this.#position) {
      const text = reply.saidSince(this.#position);
      this.#position = length;
      return { event: 'delta', data: { text } };
    }
    return ending;
  }
}
