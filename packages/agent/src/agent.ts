import type { Prompt } from './prompt.ts';
import type { ReportedUsage } from './usage.ts';

export interface ReplyOptions {
  readonly maxOutputTokens: number;
  readonly signal: AbortSignal;
}

export type ReplyEvent =
  /** A piece of the reply. */
  | { readonly type: 'text'; readonly text: string }
  /** What the model thinks before it speaks: no part of the reply, and never shown to it again. */
  | { readonly type: 'reasoning'; readonly text: string }
  /** A sign of life that says nothing else. */
  | { readonly type: 'alive' }
  /** What the reply used so far, as reported; the newest one counts. Our own count stands in for what is missing. */
  | { readonly type: 'usage'; readonly usage: ReportedUsage }
  /** Always the last event. `length`: cut off at a limit of the model. */
  | { readonly type: 'end'; readonly finish: 'stop' | 'length' };

/** `out-of-order`: nothing will be answered until the operator has acted; the code says on what. */
export type AgentHealth = { readonly status: 'ok' } | { readonly status: 'out-of-order'; readonly code: string };

/** What turns a history and a message into a reply. */
export interface Agent {
  /** Named in every answer: `demo`, `anthropic/…`. */
  readonly model: string;
  /** Prompt tokens that the agent adds of its own, its instructions above all. */
  readonly overheadTokens: number;
  /** Whether the model was seen to reason: its thoughts take a share of `maxOutputTokens`. */
  reasons(): boolean;
  /** As of the last reply. */
  health(): AgentHealth;
  /**
   * Streams one reply: `reasoning`, `text` and the rest in any order, then one `end`.
   * @throws {AppError} `agent-failed`: it broke off, or there was no word, no thought and no usage; `agent-busy`, with
   *   `retryAfterSeconds`; `agent-unavailable`: the operator must act; `agent-refused`: not this prompt
   * @throws the signal's reason, once it is aborted
   */
  reply(prompt: Prompt, options: ReplyOptions): AsyncIterable<ReplyEvent>;
}
