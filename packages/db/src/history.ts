/**
 * A session's messages. Their order is (created_at, seq) everywhere: `created_at` alone ties within a transaction, since
 * now() is the transaction's time, and would give pairs back reversed.
 */
import { eq, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';

import { defaultDatabase } from './default-database.ts';
import { sessionNotFound } from './history/error.ts';
import { insertMessage, type NewMessage } from './history/message.ts';
import { type MessagesPage, type MessagesPageOptions, readPage } from './history/page.ts';
import {
  assertBounds,
  type CountedMessage,
  type HistoryMessage,
  newestMessages,
  withinBudget,
} from './history/window.ts';
import { type SessionMessage, sessionMessages, sessions } from './schema.ts';
import { type Db, queryPrepared, queryRows, type Tx, withRetry } from './transaction.ts';

/** Its parameters: the session, and how many. */
const newestStatement = {
  name: 'newest_messages',
  text: new PgDialect().sqlToQuery(newestMessages(sessionMessages, sql.placeholder('session'), sql.placeholder('most')))
    .sql,
};

/**
 * The newest messages of a session, oldest first: at most `maxMessages`, contiguous, their stored `token_count`s summing to
 * at most `tokenBudget`. Empty when the newest alone is over the budget, or when there is no such session.
 * @throws {RangeError} when a bound is negative or not whole
 */
export async function getSessionHistory(
  sessionId: string,
  maxMessages = 8,
  tokenBudget = 4000,
  db: Db = defaultDatabase(),
): Promise<HistoryMessage[]> {
  assertBounds({ maxMessages, tokenBudget });
  return withinBudget(await queryPrepared<CountedMessage>(db, newestStatement, [sessionId, maxMessages]), tokenBudget);
}

/**
 * Appends one message, for those who keep histories without turns; a turn's messages are written by `settleTurn`. Within a
 * transaction: the session's row is locked until it ends, so that order is kept.
 * @throws {HistoryError} `session-not-found`; `invalid-message` when it cannot be stored as it is
 */
export async function appendMessage(tx: Tx, { sessionId, role, content }: NewMessage): Promise<SessionMessage> {
  const [session] = await tx
    .update(sessions)
    .set({
      messageCount: sql`${sessions.messageCount} + 1`,
      messagesVersion: sql`${sessions.messagesVersion} + 1`,
      usedAt: sql`statement_timestamp()`,
    })
    .where(eq(sessions.id, sessionId))
    .returning({ id: sessions.id });
  if (!session) throw sessionNotFound();
  return insertMessage(tx, sessionMessages, {
    sessionId,
    role,
    content,
    createdAt: sql`next_message_time(${sessionId})`,
  });
}

export type StoredMessagesPage = MessagesPage<SessionMessage>;

/** One page of a session's messages; undefined when `after` is no message of this session. */
export function listMessages(db: Db, options: MessagesPageOptions): Promise<StoredMessagesPage | undefined> {
  return readPage(db, sessionMessages, options);
}

/**
 * Forgets a session's conversation; its balance, its requests and their charges stay. A running request whose lease ran out is
 * ended first.
 * @returns the running request, in which case nothing was removed
 */
export async function forgetMessages(db: Db, sessionId: string): Promise<{ busyWith?: string }> {
  const [row] = await withRetry(db, () =>
    queryRows<{ outcome: 'forgotten' | 'busy'; request_id: string }>(
      db,
      sql`SELECT outcome, request_id FROM forget_messages(${sessionId})`,
    ),
  );
  return row?.outcome === 'busy' ? { busyWith: row.request_id } : {};
}
