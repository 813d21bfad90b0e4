/** Reads one reply from the agent, and never waits for an agent that does not listen. */
import type { Agent, Prompt, Usage } from '@timmy-tower/agent';
import { AppError } from '@timmy-tower/contract';

import type { ModelTimeLimits } from '../deps.ts';
import { type RunningTurn, TurnStopped } from './running-turns.ts';

export interface Reply {
  readonly text: string;
  /** `cancelled`: stopped by the caller; what was said so far is the reply, and nobody told the usage. */
  readonly ending: { readonly finish: 'stop' | 'length'; readonly usage: Usage } | 'cancelled';
}

export interface ReadReplyOptions {
  readonly prompt: Prompt;
  readonly maxOutputTokens: number;
  readonly turn: RunningTurn;
  readonly timeLimits: ModelTimeLimits;
  readonly onText: (text: string) => void;
}

/** @throws {AppError} `agent-failed`, or TurnStopped for any reason but a cancel: there is no reply then */
export async function readReply(agent: Agent, options: ReadReplyOptions): Promise<Reply> {
  const { prompt, maxOutputTokens, turn, timeLimits, onText } = options;
  const { signal } = turn;
  const text = new ReplyText(onText);
  const total = setTimeout(() => turn.stop('too-slow'), timeLimits.totalMs);
  const silence = setTimeout(() => turn.stop('too-slow'), timeLimits.silenceMs);
  try {
    for await (const event of untilAborted(agent.reply(prompt, { maxOutputTokens, signal }), signal)) {
      silence.refresh();
      if (event.type === 'end') return spoken({ text: text.end(), ending: event });
      text.add(event.text);
    }
    throw failed('The model ended without finishing its reply.');
  } catch (error) {
    if (signal.aborted && signal.reason instanceof TurnStopped && signal.reason.reason === 'cancelled') {
      return { text: text.end(), ending: 'cancelled' };
    }
    if (signal.aborted) throw signal.reason;
    throw error instanceof AppError ? error : failed('The model failed.', error);
  } finally {
    clearTimeout(total);
    clearTimeout(silence);
  }
}

/** A model that says nothing has failed: nobody pays for silence. */
function spoken(reply: Reply): Reply {
  if (reply.text === '') throw failed('The model said nothing.');
  return reply;
}

function failed(what: string, cause?: unknown): AppError {
  return new AppError('agent-failed', `${what} Nothing was charged: try again.`, { cause });
}

/** The events up to the abort, whatever the source does about it: one that hangs is left behind. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    while (true) {
      // oxlint-disable-next-line no-await-in-loop -- a stream is read in its order
      const result = await Promise.race([iterator.next(), aborted.promise]);
      if (result.done) {
        done = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!done) iterator.return?.().catch(() => {});
  }
}

/**
 * The reply as it can be stored and sent: U+0000 is taken out, since PostgreSQL cannot hold it, and half a character (a lone
 * surrogate) waits for its other half.
 */
class ReplyText {
  readonly #onText: (text: string) => void;
  #said = '';
  #pending = '';

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  add(delta: string): void {
    const text = this.#pending + delta.replaceAll('\0', '');
    const splitCharacter = /[\uD800-\uDBFF]$/.test(text);
    this.#pending = splitCharacter ? text.slice(-1) : '';
    this.#say(splitCharacter ? text.slice(0, -1) : text);
  }

  end(): string {
    this.#say(this.#pending);
    this.#pending = '';
    return this.#said;
  }

  #say(text: string): void {
    if (text === '') return;
    const whole = text.toWellFormed();
    this.#said += whole;
    this.#onText(whole);
  }
}
