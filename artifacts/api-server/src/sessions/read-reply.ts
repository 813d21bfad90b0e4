/** Reads one reply from the agent, within its limits, and never waits for an agent that does not listen. */
import {
  type Agent,
  OutputMeter,
  type Prompt,
  type ReplyEvent,
  type ReportedUsage,
  untilAborted,
} from '@timmy-tower/agent';
import { AppError } from '@timmy-tower/contract';

import type { ModelTimeLimits } from '../deps.ts';
import { Patience } from './patience.ts';
import { ReplyText } from './reply-text.ts';
import { type RunningTurn, TurnStopped } from './running-turns.ts';

/** What came from the model, whatever became of it. */
export interface Said {
  /** '' when it was silent. */
  readonly text: string;
  readonly reasoning: string;
  readonly reported: ReportedUsage;
  /** Whether it came to the model's own end. */
  readonly isWhole: boolean;
}

export interface Reply extends Said {
  /** `length`: at a limit, the model's or ours. `cancelled`: by the caller. `too-long`: out of time. */
  readonly ending: 'stop' | 'length' | 'cancelled' | 'too-long';
}

/** There is no reply. */
export interface BrokenReply extends Said {
  readonly error: AppError | TurnStopped;
  /** Whether the provider will want to be paid for it. */
  readonly isOwed: boolean;
}

/** What is told while the reply comes. */
export interface ReplyListener {
  readonly onText?: (text: string) => void;
  readonly onReasoning?: (text: string) => void;
}

export interface ReadReplyOptions {
  readonly prompt: Prompt;
  readonly maxOutputTokens: number;
  readonly turn: RunningTurn;
  readonly timeLimits: ModelTimeLimits;
  readonly listener: ReplyListener;
}

export async function readReply(agent: Agent, options: ReadReplyOptions): Promise<Reply | BrokenReply> {
  const { prompt, maxOutputTokens, turn, timeLimits, listener } = options;
  const { signal } = turn;
  const reading = new Reading(maxOutputTokens, listener);
  using patience = new Patience(turn, timeLimits);
  try {
    for await (const event of untilAborted(agent.reply(prompt, { maxOutputTokens, signal }), signal)) {
      patience.renew(event.type === 'text' || event.type === 'reasoning');
      if (event.type === 'end') return reading.end(event.finish);
      await reading.take(event);
      if (reading.isFull) return reading.cut();
    }
    throw failed('The model ended without finishing its reply.');
  } catch (error) {
    return reading.stop(signal.aborted ? signal.reason : error);
  }
}

function failed(what: string, cause?: unknown): AppError {
  return new AppError('agent-failed', `${what} Try again in a moment.`, { cause });
}

/** What came so far. */
class Reading {
  readonly #text: ReplyText;
  readonly #reasoning: ReplyText;
  readonly #meter: OutputMeter;
  #reported: ReportedUsage = {};
  #hasOutput = false;

  constructor(maxOutputTokens: number, { onText = () => {}, onReasoning = () => {} }: ReplyListener) {
    this.#meter = new OutputMeter(maxOutputTokens);
    this.#text = new ReplyText(onText);
    this.#reasoning = new ReplyText(onReasoning);
  }

  /** True once the model has said more than was paid for. */
  get isFull(): boolean {
    return this.#meter.isFull;
  }

  async take(event: ReplyEvent): Promise<void> {
    if (event.type === 'usage') this.#reported = event.usage;
    if (event.type !== 'text' && event.type !== 'reasoning') return;
    this.#hasOutput ||= event.text !== '';
    const fitting = await this.#meter.take(event.text);
    (event.type === 'text' ? this.#text : this.#reasoning).add(fitting);
  }

  /** Without a word an end is one only if it used anything. */
  end(ending: 'stop' | 'length'): Reply | BrokenReply {
    const said = this.#said(true);
    if (said.text === '' && !this.#isUsed) return { ...said, error: failed('The model said nothing.'), isOwed: false };
    return { ...said, ending };
  }

  cut(): Reply {
    return { ...this.#said(), ending: 'length' };
  }

  /** It was stopped, or it broke off. */
  stop(reason: unknown): Reply | BrokenReply {
    const said = this.#said();
    if (!(reason instanceof TurnStopped)) {
      const error = reason instanceof AppError ? reason : failed('The model failed.', reason);
      return { ...said, error, isOwed: this.#isUsed };
    }
    if (reason.code === 'cancelled') return { ...said, ending: 'cancelled' };
    if (reason.code === 'too-long' && this.#isUsed) return { ...said, ending: 'too-long' };
    return { ...said, error: reason, isOwed: true };
  }

  get #isUsed(): boolean {
    const { inputTokens, outputTokens } = this.#reported;
    return this.#hasOutput || Boolean(inputTokens) || Boolean(outputTokens);
  }

  #said(isWhole = false): Said {
    return { text: this.#text.end(), reasoning: this.#reasoning.end(), reported: this.#reported, isWhole };
  }
}
