import type { MessageRole } from '@timmy-tower/contract';

export interface PromptMessage {
  readonly role: MessageRole;
  readonly content: string;
}

/** What was said before the history, and may matter for the message. */
export interface Recalled {
  /** Oldest first; any of them may be missing its other half. */
  readonly messages: readonly PromptMessage[];
  /** The same for a model to read, marked as what it is. */
  readonly block: string;
}

export interface Prompt {
  /** The newest turns, oldest first; never starts with an assistant's. */
  readonly history: readonly PromptMessage[];
  readonly recalled?: Recalled | undefined;
  /** What the user says now. */
  readonly message: string;
}

/** A model's last message: providers cache what is the same at the front, so what is recalled stands behind the history. */
export function lastMessageOf({ recalled, message }: Prompt): string {
  return recalled ? `${recalled.block}\n\n${message}` : message;
}

/** All that is in view, oldest first. */
export function inView({ recalled, history }: Prompt): readonly PromptMessage[] {
  return recalled ? [...recalled.messages, ...history] : history;
}
