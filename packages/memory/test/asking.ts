/** Asks at the end of a conversation, with a turn's usual bounds. */
import { promptWindow, recall, type RecallableMessage } from '../src/index.ts';
import type { Conversation } from './own-set/chatter.ts';

/** @returns what is recalled */
export function ask({ messages }: Conversation, question: string): readonly RecallableMessage[] {
  const window = promptWindow(messages, { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 });
  const before = messages.slice(0, messages.length - window.messages.length);
  const steps = recall({ before, opening: before[0], question, tokens: window.recallTokens, promptTokens: 3000 });
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value.messages;
  }
}

export const recallsMoreThanTheOpening = (conversation: Conversation, text: string): boolean =>
  ask(conversation, text).length > 1;
