import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  check,
  customType,
  getTableConfig,
  index,
  integer,
  type PgTable,
  pgSchema,
  pgTable,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/** What an app may tell its sessions apart by: UUIDs, texts and whole numbers are these in JavaScript. */
export type SessionId = string | number | bigint;

/** A table of sessions, whatever they are called where they live: all that is needed of one is its id. */
export type SessionsTable = PgTable & { readonly id: AnyPgColumn<{ data: SessionId }> };

/** What every message has, in every table of messages. */
export const messageColumns = () => ({
  id: uuid('id').primaryKey().defaultRandom(),
  role: text('role', { enum: ['user', 'assistant'] }).notNull(),
  content: text('content').notNull(),
  /** A quarter of the content's length, rounded up. It decides what fits the history's token budget. */
  tokenCount: integer('token_count').notNull().default(0),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});

/**
 * A table of messages for your own schema, beside your table of sessions: your migrations make it. A message goes with its
 * session.
 */
export function sessionMessagesTable<Name extends string, Sessions extends SessionsTable>({
  sessions,
  name,
}: {
  sessions: Sessions;
  name: Name;
}) {
  const { schema } = getTableConfig(sessions);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- they differ in the type of the schema's name alone
  const table = schema === undefined ? pgTable : (pgSchema(schema).table as unknown as typeof pgTable);
  const { id } = sessions;
  const idOfSession = customType<{ data: Sessions['id']['_']['data'] }>({
    dataType: () => referringTo(id.getSQLType()),
    toDriver: (value) => id.mapToDriverValue(value),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the column's own mapping gives the column's own type
    fromDriver: (value) => id.mapFromDriverValue(value) as Sessions['id']['_']['data'],
  });
  return table(
    name,
    {
      ...messageColumns(),
      sessionId: idOfSession('session_id')
        .notNull()
        .references(() => id, { onDelete: 'cascade' }),
      /** The order of insertion: what tells two messages of one instant apart. Order everywhere is (created_at, seq). */
      seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
    },
    (column) => [
      index(`${name}_in_order`).on(column.sessionId, column.createdAt, column.seq),
      check(`${name}_role`, sql`${column.role} IN ('user', 'assistant')`),
      check(`${name}_tokens_not_negative`, sql`${column.tokenCount} >= 0`),
    ],
  );
}

/** A serial counts by itself, and what refers to one is the integer that it is. */
const referringTo = (type: string): string =>
  ({ smallserial: 'smallint', serial: 'integer', bigserial: 'bigint' })[type] ?? type;

/** Any table of messages. */
export type SessionMessagesTable = ReturnType<typeof sessionMessagesTable<string, SessionsTable>>;

/** What the sessions of such a table are told apart by. */
export type SessionIdOf<Table extends SessionMessagesTable> = Table['$inferSelect']['sessionId'];
