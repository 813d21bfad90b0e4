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
