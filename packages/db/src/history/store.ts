/** A history in tables of somebody else's: what is called of it. */
import { eq, type SQL, sql } from 'drizzle-orm';

import { type HistoryDatabase, inTransactionOf, queryRows, type Statements, withoutWords } from './database.ts';
import { insertMessage, type NewMessage } from './message.ts';
import { type MessagesPage, type MessagesPageOptions, readPage } from './page.ts';
import { lockSession } from './session-lock.ts';
import type { SessionId, SessionIdOf, SessionMessagesTable } from './table.ts';
import { assertBounds, type CountedMessage, type HistoryMessage, newestMessages, withinBudget } from './window.ts';

export type Message<Table extends SessionMessagesTable = SessionMessagesTable> = Table['$inferSelect'];

/**
 * Appends one message: in the transaction that is given, or in one of its own. The session's row is locked until that ends, so
 * that messages are in the order in which they were appended, whoever appends them.
 * @throws {HistoryError}
 */
export function appendMessage<Table extends SessionMessagesTable>(
  db: HistoryDatabase,
  table: Table,
  message: NewMessage<SessionIdOf<Table>>,
): Promise<Message<Table>> {
  return writeTo(db, table, message.sessionId, (tx) =>
    insertMessage(tx, table, { ...message, createdAt: laterThanNewest(table, message.sessionId) }),
  );
}

/** Behind the lock it is the time of its own statement; where the clock stepped back, a microsecond after the newest. */
const laterThanNewest = (table: SessionMessagesTable, sessionId: SessionId): SQL =>
  sql`greatest(statement_timestamp(), (SELECT m.created_at FROM ${table} m WHERE m.session_id = ${sql.param(sessionId, table.sessionId)}
        ORDER BY m.created_at DESC, m.seq DESC LIMIT 1) + interval '1 microsecond')`;

export interface HistoryOptions<Id = string> {
  readonly sessionId: Id;
  readonly maxMessages?: number;
  readonly tokenBudget?: number;
}

/**
 * The newest messages of a session, oldest first: at most `maxMessages`, contiguous, their stored token counts summing to at
 * most `tokenBudget`. Empty when the newest alone is over the budget, or when there is no such session.
 * @throws {RangeError} when a bound is negative or not whole
 * @throws {HistoryError} `invalid-id`, `database-failed`
 */
export async function getSessionHistory<Table extends SessionMessagesTable>(
  db: HistoryDatabase,
  table: Table,
  { sessionId, maxMessages = 8, tokenBudget = 4000 }: HistoryOptions<SessionIdOf<Table>>,
): Promise<HistoryMessage[]> {
  assertBounds({ maxMessages, tokenBudget });
  const query = newestMessages(table, sql.param(sessionId, table.sessionId), maxMessages);
  return withinBudget(await withoutWords(() => queryRows<CountedMessage>(db, query)), tokenBudget);
}

/**
 * One page of a session's messages; undefined when `after` is no message of this session.
 * @throws {RangeError} when the limit is negative or not whole
 * @throws {HistoryError} `invalid-id`, `database-failed`
 */
export async function listMessages<Table extends SessionMessagesTable>(
  db: HistoryDatabase,
  table: Table,
  options: MessagesPageOptions<SessionIdOf<Table>>,
): Promise<MessagesPage<Message<Table>> | undefined> {
  assertBounds({ limit: options.limit });
  return withoutWords(() => readPage(db, table, options));
}

/** Forgets what was said in a session; whoever is about to append is waited for. @throws {HistoryError} */
export async function forgetMessages<Table extends SessionMessagesTable>(
  db: HistoryDatabase,
  table: Table,
  sessionId: SessionIdOf<Table>,
): Promise<void> {
  await writeTo(db, table, sessionId, (tx) => tx.delete(table).where(eq(table.sessionId, sessionId)));
}

const writeTo = <T>(
  db: HistoryDatabase,
  table: SessionMessagesTable,
  sessionId: SessionId,
  write: (tx: Statements) => PromiseLike<T>,
): Promise<T> =>
  withoutWords(() =>
    inTransactionOf(db, async (tx) => {
      await lockSession(tx, table, sessionId);
      return write(tx);
    }),
  );
