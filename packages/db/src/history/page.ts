import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';

import type { Statements } from './database.ts';
import type { SessionId } from './table.ts';
import type { OrderedMessages } from './window.ts';

export interface MessagesPageOptions<Id = string> {
  readonly sessionId: Id;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** The page starts behind this message, in the page's own order. */
  readonly after?: string | undefined;
}

export interface MessagesPage<Message> {
  readonly messages: Message[];
  readonly hasMore: boolean;
}

/** One page of a session's messages; undefined when `after` is no message of this session. */
export async function readPage<Table extends OrderedMessages>(
  db: Statements,
  table: Table,
  options: MessagesPageOptions<SessionId>,
): Promise<MessagesPage<Table['$inferSelect']> | undefined> {
  const { sessionId, limit, order, after } = options;
  const direction = order === 'asc' ? asc : desc;
  // The cursor is compared in SQL: a JavaScript Date drops microseconds, and with them rows.
  const position = sql`(${table.createdAt}, ${table.seq})`;
  const session = sql.param(sessionId, table.sessionId);
  const cursor = sql`(SELECT c.created_at, c.seq FROM ${table} c WHERE c.session_id = ${session} AND c.id = ${after})`;
  const behindCursor = order === 'asc' ? sql`${position} > ${cursor}` : sql`${position} < ${cursor}`;
  const rows: Table['$inferSelect'][] = await db
    .select()
    .from<PgTable>(table)
    .where(and(eq(table.sessionId, sessionId), after === undefined ? undefined : behindCursor))
    .orderBy(direction(table.createdAt), direction(table.seq))
    .limit(limit + 1);
  if (rows.length === 0 && after !== undefined && !(await isMessageOf(db, table, { sessionId, id: after })))
    return undefined;
  return { messages: rows.slice(0, limit), hasMore: rows.length > limit };
}

async function isMessageOf(
  db: Statements,
  table: OrderedMessages,
  { sessionId, id }: { sessionId: SessionId; id: string },
): Promise<boolean> {
  const rows = await db
    .select({ id: table.id })
    .from<PgTable>(table)
    .where(and(eq(table.sessionId, sessionId), eq(table.id, id)));
  return rows.length > 0;
}
