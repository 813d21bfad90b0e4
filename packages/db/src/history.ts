/**
 * A session's messages. Their order is (created_at, seq) everywhere: `created_at` alone ties within a transaction, since
 * now() is the transaction's time, and would give pairs back reversed.
 */
import type { MessageRole } from '@timmy-tower/contract';
import { and, asc, desc, eq, sql } from 'drizzle-orm';

import { defaultDatabase } from './default-database.ts';
import { type SessionMessage, sessionMessages, sessions } from './schema.ts';
import { heuristicTokens } from './tokens.ts';
import { type Db, queryPrepared, queryRows, type Tx, withRetry } from './transaction.ts';

export interface HistoryMessage {
  readonly role: MessageRole;
  readonly content: string;
}

interface CountedMessage extends HistoryMessage {
  readonly token_count: number;
}

const newestMessages = {
  name: 'newest_messages',
  text: `SELECT role, content, token_count FROM session_messages WHERE session_id = $1
         ORDER BY created_at DESC, seq DESC LIMIT $2`,
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
  assertBound('maxMessages', maxMessages);
  assertBound('tokenBudget', tokenBudget);
  const newestFirst = await queryPrepared<CountedMessage>(db, newestMessages, [sessionId, maxMessages]);
  return withinBudget(newestFirst, tokenBudget).toReversed();
}

function withinBudget(newestFirst: readonly CountedMessage[], tokenBudget: number): HistoryMessage[] {
  const kept: HistoryMessage[] = [];
  let tokens = 0;
  for (const { role, content, token_count } of newestFirst) {
    tokens += token_count;
    if (tokens > tokenBudget) break;
    kept.push({ role, content });
  }
  return kept;
}

function assertBound(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} must be a whole number, zero or more; got ${value}`);
  }
}

/** A new message, for those who keep histories without turns; a turn's messages are written by `settleTurn`. */
export interface NewMessage {
  readonly sessionId: string;
  readonly role: MessageRole;
  readonly content: string;
}

/** Appends one message. Within a transaction: the session's row is locked until it ends, so that order is kept. */
export async function appendMessage(tx: Tx, { sessionId, role, content }: NewMessage): Promise<SessionMessage> {
  await tx
    .update(sessions)
    .set({
      messageCount: sql`${sessions.messageCount} + 1`,
      messagesVersion: sql`${sessions.messagesVersion} + 1`,
      usedAt: sql`statement_timestamp()`,
    })
    .where(eq(sessions.id, sessionId));
  const [message] = await tx
    .insert(sessionMessages)
    .values({
      sessionId,
      role,
      content,
      tokenCount: heuristicTokens(content),
      createdAt: sql`next_message_time(${sessionId})`,
    })
    .returning();
  return message!;
}

export interface MessagesPageOptions {
  readonly sessionId: string;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The page starts behind this message, in the page's own order. */
  readonly after?: string | undefined;
}

export interface StoredMessagesPage {
  readonly messages: SessionMessage[];
  readonly hasMore: boolean;
}

/** One page of a session's messages; undefined when `after` is no message of this session. */
export async function listMessages(db: Db, options: MessagesPageOptions): Promise<StoredMessagesPage | undefined> {
  const { sessionId, limit, order, after } = options;
  const direction = order === 'asc' ? asc : desc;
  // The cursor is compared in SQL: a JavaScript Date drops microseconds, and with them rows.
  const position = sql`(${sessionMessages.createdAt}, ${sessionMessages.seq})`;
  const cursor = sql`(SELECT c.created_at, c.seq FROM session_messages c WHERE c.session_id = ${sessionId} AND c.id = ${after})`;
  const behindCursor = order === 'asc' ? sql`${position} > ${cursor}` : sql`${position} < ${cursor}`;
  const rows = await db
    .select()
    .from(sessionMessages)
    .where(and(eq(sessionMessages.sessionId, sessionId), after === undefined ? undefined : behindCursor))
    .orderBy(direction(sessionMessages.createdAt), direction(sessionMessages.seq))
    .limit(limit + 1);
  if (rows.length === 0 && after !== undefined && !(await isMessageOf(db, sessionId, after))) return undefined;
  return { messages: rows.slice(0, limit), hasMore: rows.length > limit };
}

async function isMessageOf(db: Db, sessionId: string, messageId: string): Promise<boolean> {
  const rows = await db
    .select({ id: sessionMessages.id })
    .from(sessionMessages)
    .where(and(eq(sessionMessages.sessionId, sessionId), eq(sessionMessages.id, messageId)));
  return rows.length > 0;
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
