/** Conversations of any kind, as they may lie in the database. */
import type { MessageRole } from '@timmy-tower/contract';
import fc from 'fast-check';

import type { Database } from '../src/transaction.ts';
import { run } from './fixtures.ts';

export interface StoredMessage {
  readonly role: MessageRole;
  readonly content: string;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly inPrompts: boolean;
}

const message = fc.record<StoredMessage>({
  role: fc.constantFrom('user', 'assistant', 'assistant'),
  content: fc.constantFrom('said', 'said', 'said', ' \n'),
  tokens: fc.oneof(fc.nat(40), fc.nat(400), fc.nat(5000)),
  promptTokens: fc.nat(6000),
  inPrompts: fc.constantFrom(true, true, true, false),
});

export const anyMessages = fc.array(message, { maxLength: 30 });

export const anyBounds = fc.record({
  maxMessages: fc.oneof(fc.nat(3), fc.nat(12)),
  tokenBudget: fc.oneof(fc.nat(130), fc.nat(2000), fc.nat(8000)),
  recallTokens: fc.oneof(fc.constant(0), fc.nat(4000)),
});

/** Each is told from every other by its place. */
export async function storeMessages(
  database: Database,
  sessionId: string,
  messages: readonly StoredMessage[],
): Promise<void> {
  await run(
    database,
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens, in_prompts)
     SELECT $1, role, content || CASE WHEN content = 'said' THEN place::text ELSE '' END, tokens, "promptTokens", "inPrompts"
     FROM ROWS FROM (
       jsonb_to_recordset($2) AS (role text, content text, tokens int, "promptTokens" int, "inPrompts" boolean)
     ) WITH ORDINALITY AS said (role, content, tokens, "promptTokens", "inPrompts", place) ORDER BY place`,
    [sessionId, JSON.stringify(messages)],
  );
  await run(database, 'UPDATE sessions SET message_count = $2 WHERE id = $1', [sessionId, messages.length]);
}

/** Those that may be shown, as they are stored. */
export const storedAs = (messages: readonly StoredMessage[]): StoredMessage[] =>
  messages
    .map((stored, index) => ({ ...stored, content: `${stored.content}${index + 1}` }))
    .filter(({ content, inPrompts }) => inPrompts && content.startsWith('said'));
