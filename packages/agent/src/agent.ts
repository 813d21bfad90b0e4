import type { MessageRole } from '@timmy-tower/contract';

export interface PromptMessage {
  readonly role: MessageRole;
  readonly content: string;
}

export interface Prompt {
  /** Earlier messages, oldest first; never starts with an assistant's. */
  readonly history: readonly PromptMessage[];
  /** What the user says now. */
  readonly message: string;
}

export interface ReplyOptions {
  readonly maxOutputTokens: number;
  readonly signal: AbortSignal;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export type ReplyEvent =
  | { readonly type: 'text'; readonly text: string }
  /** Always the last event. `length`: cut off at `maxOutputTokens`. */
  | { readonly type: 'end'; readonly finish: 'stop' | 'length'; readonly usage: Usage };

/** What turns a history and a message into a reply. */
export interface Agent {
  /** Named in every answer: `demo`, `anthropic/…`. */
  readonly model: string;

  /** Prompt tokens that the agent adds of its own, its instructions above all. */
  readonly overheadTokens: number;

  /**
   * Streams one reply: `text` events, then one `end`. The usage is the provider's, or our own count where it sent none.
   * @throws {AppError} `agent-failed` when the model fails, refuses or ends without finishing
   * @throws the signal's reason, once it is aborted
   */
  reply(prompt: Prompt, options: ReplyOptions): AsyncIterable<ReplyEvent>;
}
