import type { SQL } from 'drizzle-orm';

import type { Statements } from './database.ts';
import { HistoryError } from './error.ts';
import type { SessionId } from './table.ts';
import { heuristicTokens } from './tokens.ts';
import type { HistoryMessage, OrderedMessages } from './window.ts';

export interface NewMessage<Id = string> extends HistoryMessage {
  readonly sessionId: Id;
}

/**
 * Writes one message. Its session is locked, and `createdAt` is later than its newest message.
 * @throws {HistoryError} `invalid-message` when it cannot be stored as it is
 */
export async function insertMessage<Table extends OrderedMessages>(
  tx: Statements,
  table: Table,
  { sessionId, role, content, createdAt }: NewMessage<SessionId> & { readonly createdAt: SQL },
): Promise<Table['$inferSelect']> {
  assertStorable({ role, content });
  const tokenCount = heuristicTokens(content);
  const rows: Table['$inferSelect'][] = await tx
    .insert<OrderedMessages>(table)
    .values({ sessionId, role, content, tokenCount, createdAt })
    .returning();
  return rows[0]!;
}

/** JavaScript calls this too, and what a model said has been through no type. */
function assertStorable(message: { role: unknown; content: unknown }): void {
  const fault = faultOf(message);
  if (fault !== undefined) throw new HistoryError('invalid-message', `That is no message. ${fault}`);
}

const ROLES: readonly unknown[] = ['user', 'assistant'] satisfies HistoryMessage['role'][];

function faultOf({ role, content }: { role: unknown; content: unknown }): string | undefined {
  if (!ROLES.includes(role)) return 'Its role must be user or assistant.';
  if (typeof content !== 'string') return 'Its content must be a text.';
  if (content.includes('\0')) return 'PostgreSQL stores no U+0000: take it out of the content.';
  if (!content.isWellFormed())
    return 'Its content ends or begins within a character: toWellFormed() mends a lone surrogate.';
  return undefined;
}
