/** Who writes a session's messages holds the lock of its row until the transaction ends: what keeps them in order. */
import { eq, sql } from 'drizzle-orm';
import { type AnyPgColumn, getTableConfig } from 'drizzle-orm/pg-core';

import type { Statements } from './database.ts';
import { HistoryError, sessionNotFound } from './error.ts';
import type { SessionId, SessionMessagesTable } from './table.ts';

/**
 * @throws {HistoryError} `session-not-found`; `wrong-isolation`: REPEATABLE READ shows, behind the lock, what was there before it,
 *   and refuses nothing. (SERIALIZABLE shows the same, and refuses one of two who would have written out of order.)
 */
export async function lockSession(tx: Statements, table: SessionMessagesTable, sessionId: SessionId): Promise<void> {
  const id = idOfSessions(table);
  const [session] = await tx
    .select({ isolation: sql<string>`current_setting('transaction_isolation')` })
    .from(id.table)
    .where(eq(id, sessionId))
    .for('no key update');
  if (!session) throw sessionNotFound();
  if (session.isolation === 'repeatable read') {
    throw new HistoryError(
      'wrong-isolation',
      'Messages keep no order in a REPEATABLE READ transaction. Begin it as READ COMMITTED, or as SERIALIZABLE.',
    );
  }
}

/** What `session_id` refers to. */
function idOfSessions(table: SessionMessagesTable): AnyPgColumn {
  const references = getTableConfig(table).foreignKeys.map((key) => key.reference());
  return references.find(({ columns }) => columns[0] === table.sessionId)!.foreignColumns[0]!;
}
