/** Whether a question's evidence is among what the model is shown, and what showing it costs. No model is asked. */
import { promptWindow, recall, type WindowBounds } from '@timmy-tower/memory';

import type { Dialogue, Question } from './locomo.ts';

export interface Evidence {
  readonly questions: number;
  /** Shares of the questions of which any, or all, of the evidence is shown. */
  readonly any: number;
  readonly all: number;
  /** On average. */
  readonly tokens: number;
}

/** The server sets aside three prompt tokens for each token that may be recalled. */
const PROMPT_TOKENS_PER_TOKEN = 3;

/** Every question is asked at its dialogue's end. */
export function measureEvidence(dialogues: readonly Dialogue[], bounds: WindowBounds): Evidence {
  const asked = dialogues.flatMap((dialogue) => dialogue.questions.map((question) => ask(dialogue, question, bounds)));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    questions: asked.length,
    any: mean(asked.map(({ found }) => (found.some(Boolean) ? 1 : 0))),
    all: mean(asked.map(({ found }) => (found.every(Boolean) ? 1 : 0))),
    tokens: mean(asked.map(({ tokens }) => tokens)),
  };
}

function ask({ messages }: Dialogue, question: Question, bounds: WindowBounds) {
  const window = promptWindow(messages, bounds);
  const before = messages.slice(0, messages.length - window.messages.length);
  const recalled = toEnd(
    recall({
      before,
      opening: before.find(({ role }) => role === 'user'),
      question: question.text,
      tokens: window.recallTokens,
      promptTokens: window.recallTokens * PROMPT_TOKENS_PER_TOKEN,
    }),
  );
  const shown = [...recalled.messages, ...window.messages];
  // A clipped opening is another object, and counts for what it has lost: as not shown.
  const found = question.evidence.map((index) => shown.includes(messages[index]!));
  return { found, tokens: shown.reduce((sum, { tokenCount }) => sum + tokenCount, 0) };
}

function toEnd<T>(steps: Iterator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
