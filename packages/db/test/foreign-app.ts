/** An app of somebody else's, which keeps chats: its tables, and a history in one more table of its own. */
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { pgSchema, pgTable, text, uuid } from 'drizzle-orm/pg-core';

import type pg from 'pg';

import { listMessages, type NewMessage, sessionMessagesTable } from '../src/history/index.ts';
import { openEmptyDatabase } from '../src/testing.ts';
import { onDatabase } from './migrations.ts';
import { openPool } from './open-pool.ts';

export const chats = pgTable('chats', { id: uuid('id').primaryKey().defaultRandom(), title: text('title') });
export const chatMessages = sessionMessagesTable({ sessions: chats, name: 'chat_messages' });
export const schema = { chats, chatMessages };

/** In a schema of its own, with ids that it makes itself; its messages have no index. */
const support = pgSchema('support');
export const tickets = support.table('tickets', { key: text('key'), id: text('number').primaryKey() });
export const ticketMessages = sessionMessagesTable({ sessions: tickets, name: 'messages' });

const messages = (name: string, session: string) => `
  CREATE TABLE ${name} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id ${session} ON DELETE CASCADE,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    content text NOT NULL,
    token_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
  );
`;

/** What its migrations come to; what drizzle-kit makes of its schema is tried where the package is packed. */
export const foreignTables = `
  CREATE TABLE chats (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title text);
  CREATE SCHEMA support;
  CREATE TABLE support.tickets (key text, number text PRIMARY KEY);
  ${messages('chat_messages', 'uuid NOT NULL REFERENCES chats (id)')}
  CREATE INDEX ON chat_messages (session_id, created_at, seq);
  ${messages('support.messages', 'text NOT NULL REFERENCES support.tickets (number)')}`;

export interface ForeignApp {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly db: NodePgDatabase<typeof schema>;
  newChat(): Promise<string>;
  contentsOf(sessionId: string): Promise<string[]>;
  close(): Promise<void>;
}

/** Its database has its tables and nothing else. */
export async function openForeignApp(): Promise<ForeignApp> {
  const { url, close } = await openEmptyDatabase();
  await onDatabase(url, foreignTables);
  const pool = openPool({ connectionString: url, max: 12 });
  const db = drizzle(pool, { schema });
  return {
    url,
    pool,
    db,
    newChat: async () => (await db.insert(chats).values({}).returning())[0]!.id,
    async contentsOf(sessionId) {
      const page = await listMessages(db, chatMessages, { sessionId, limit: 200, order: 'asc' });
      return page!.messages.map(({ content }) => content);
    },
    async close() {
      await pool.end();
      await close();
    },
  };
}

export const NOBODY = '00000000-0000-4000-8000-000000000000';

export const say = (sessionId: string, content: string): NewMessage => ({ sessionId, role: 'user', content });
