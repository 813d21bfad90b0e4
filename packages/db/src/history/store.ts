/** A history in tables of somebody else's: what is called of it. */
import { eq, type SQL, sql } from 'drizzle-orm';

import { type HistoryDatabase, inTransactionOf, queryRows, type Statements, withoutWords } from './database.ts';
import { insertMessage, type NewMessage } from './message.ts';
import { type MessagesPage, type MessagesPageOptions, readPage } from './page.ts';
import { lockSession } from './session-lock.ts';
import type { SessionMessagesTable } from './table.ts';
import { assertBounds, type CountedMessage, type HistoryMessage, newestMessages, withinBudget } from './window.ts';

export type Message = SessionMessagesTable['$inferSelect'];

/**
 * Appends one message: in the transaction that is given, or in one of its own. The session's row is locked until that ends, so
 * that messages are in the order in which they were appended, whoever appends them.
 * @throws {HistoryError}
 */
export function appendMessage(db: HistoryDatabase, table: SessionMessagesTable, message: NewMessage): Promise<Message> {
  return writeTo(db, table, message.sessionId, (tx) =>
    insertMessage(tx, table, { ...message, createdAt: laterThanNewest(table, message.sessionId) }),
  );
}

/** Behind the lock it is the time of its own statement; where the clock stepped back, a microsecond after the newest. */
const laterThanNewest = (table: SessionMessagesTable, sessionId: string): SQL =>
  sql`greatest(statement_timestamp(), (SELECT m.created_at FROM ${table} m WHERE m.session_id = ${sessionId}
        ORDER BY m.created_at DESC, m.seq DESC LIMIT 1) + interval '1 microsecond')`;

export interface HistoryOptions {
  readonly sessionId: string;
  readonly maxMessages?: number;
  readonly tokenBudget?: number;
}

/**
 * The newest messages of a session, oldest first: at most `maxMessages`, contiguous, their stored token counts summing to at
 * most `tokenBudget`. Empty when the newest alone is over the budget, or when there is no such session.
 * @throws {RangeError} when a bound is negative or not whole
 * @throws {HistoryError} `database-failed`
 */
export async function getSessionHistory(
  db: HistoryDatabase,
  table: SessionMessagesTable,
  { sessionId, maxMessages = 8, tokenBudget = 4000 }: HistoryOptions,
): Promise<HistoryMessage[]> {
  assertBounds({ maxMessages, tokenBudget });
  const query = newestMessages(table, sessionId, maxMessages);
  return withinBudget(await withoutWords(() => queryRows<CountedMessage>(db, query)), tokenBudget);
}

/**
 * One page of a session's messages; undefined when `after` is no message of this session.
 * @throws {RangeError} when the limit is negative or not whole
 * @throws {HistoryError} `database-failed`
 */
export async function listMessages(
  db: HistoryDatabase,
  table: SessionMessagesTable,
  options: MessagesPageOptions,
): Promise<MessagesPage<Message> | undefined> {
  assertBounds({ limit: options.limit });
  return withoutWords(() => readPage(db, table, options));
}

/** Forgets what was said in a session; whoever is about to append is waited for. @throws {HistoryError} */
export async function forgetMessages(
  db: HistoryDatabase,
  table: SessionMessagesTable,
  sessionId: string,
): Promise<void> {
  await writeTo(db, table, sessionId, (tx) => tx.delete(table).where(eq(table.sessionId, sessionId)));
}

const writeTo = <T>(
  db: HistoryDatabase,
  table: SessionMessagesTable,
  sessionId: string,
  write: (tx: Statements) => PromiseLike<T>,
): Promise<T> =>
  withoutWords(() =>
    inTransactionOf(db, async (tx) => {
      await lockSession(tx, table, sessionId);
      return write(tx);
    }),
  );
