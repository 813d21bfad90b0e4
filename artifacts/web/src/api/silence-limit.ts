/** The server pings every 15 seconds: after three that did not come, a stream is held back or dead, and only looks alive. */
const SILENCE_MS = 45_000;

/** Ends a stream that says nothing. Made before it is asked for: an answer that never comes is silence too. */
export class SilenceLimit {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor() {
    this.#timer = this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whatever was heard, a comment too. */
  readonly heard = (): void => {
    clearTimeout(this.#timer);
    if (!this.signal.aborted) this.#timer = this.#arm();
  };

  readonly end = (): void => {
    clearTimeout(this.#timer);
    this.#controller.abort();
  };

  #arm(): ReturnType<typeof setTimeout> {
    return setTimeout(this.end, SILENCE_MS);
  }
}
