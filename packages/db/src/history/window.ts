import { type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core';

export interface HistoryMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** As it is read: named by its columns. */
export interface CountedMessage extends HistoryMessage {
  readonly token_count: number;
}

/** A table of messages, as far as their order and their size go. */
export type OrderedMessages = PgTable & {
  readonly [Name in 'id' | 'sessionId' | 'seq' | 'role' | 'content' | 'tokenCount' | 'createdAt']: AnyPgColumn;
};

/** Reads `CountedMessage`s, the newest first: at most so many. */
export const newestMessages = (table: OrderedMessages, sessionId: unknown, maxMessages: unknown): SQL =>
  sql`SELECT ${table.role}, ${table.content}, ${table.tokenCount} FROM ${table} WHERE ${table.sessionId} = ${sessionId}
      ORDER BY ${table.createdAt} DESC, ${table.seq} DESC LIMIT ${maxMessages}`;

/** Of the newest those, contiguous, whose counts sum to at most the budget: oldest first. */
export function withinBudget(newestFirst: readonly CountedMessage[], tokenBudget: number): HistoryMessage[] {
  const kept: HistoryMessage[] = [];
  let tokens = 0;
  for (const { role, content, token_count } of newestFirst) {
    tokens += token_count;
    if (tokens > tokenBudget) break;
    kept.push({ role, content });
  }
  return kept.toReversed();
}

/** @throws {RangeError} when a bound is negative or not whole */
export function assertBounds(bounds: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(bounds)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} must be a whole number, zero or more; got ${value}`);
    }
  }
}
