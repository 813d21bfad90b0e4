/**
 * The tables. The database keeps the invariants itself, whoever writes: a constraint stands behind every rule of the code.
 * Two are triggers: an entry in the ledger is what changes a session's balance, and an entry never changes or goes away.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

import { messageColumns } from './history/table.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const msat = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true });

export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    status: text('status', { enum: ['awaiting_payment', 'active', 'expired', 'closed'] })
      .notNull()
      .default('awaiting_payment'),
    /** The sum of the session's ledger entries. Written by the ledger's trigger alone. */
    balanceMsat: msat('balance_msat')
      .notNull()
      .default(sql`0`),
    /** The part of the balance set aside for the running request. */
    heldMsat: msat('held_msat')
      .notNull()
      .default(sql`0`),
    /** How many messages the session has, so that no turn has to count them. */
    messageCount: integer('message_count').notNull().default(0),
    createdAt: time('created_at').notNull().defaultNow(),
    /** The last request or payment, exact to the hour (a turn that leaves it alone need not touch its index). */
    usedAt: time('used_at').notNull().defaultNow(),
    /** Raised by a trigger with each change of the row, and with each new invoice: what a watcher compares. */
    version: bigint('version', { mode: 'number' }).notNull().default(0),
    /** Raised with each change of its messages: by what changes them, or by a trigger when their number changes. */
    messagesVersion: bigint('messages_version', { mode: 'number' }).notNull().default(0),
    /** What providers were paid for in failed turns that nobody was charged for, at our prices. */
    unchargedMsat: msat('uncharged_msat')
      .notNull()
      .default(sql`0`),
    /** How many such turns there were within an hour, and when that hour began. */
    unchargedTurns: integer('uncharged_turns').notNull().default(0),
    unchargedSince: time('uncharged_since'),
  },
  (table) => [
    index('sessions_idle')
      .on(table.usedAt, table.id)
      .where(sql`${table.status} = 'active'`),
    index('sessions_unpaid')
      .on(table.createdAt, table.id)
      .where(sql`${table.status} = 'awaiting_payment'`),
    check('sessions_status', sql`${table.status} IN ('awaiting_payment', 'active', 'expired', 'closed')`),
    check('sessions_balance_not_negative', sql`${table.balanceMsat} >= 0`),
    check('sessions_held_within_balance', sql`${table.heldMsat} BETWEEN 0 AND ${table.balanceMsat}`),
    check('sessions_unpaid_has_no_balance', sql`${table.status} <> 'awaiting_payment' OR ${table.balanceMsat} = 0`),
    check('sessions_message_count_not_negative', sql`${table.messageCount} >= 0`),
    check('sessions_uncharged_not_negative', sql`${table.unchargedMsat} >= 0 AND ${table.unchargedTurns} >= 0`),
  ],
);

export const sessionKeys = pgTable(
  'session_keys',
  {
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    /** SHA-256 of the key. A key has 256 random bits, so a plain hash is enough; the key itself is stored nowhere. */
    keyHash: bytea('key_hash').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.sessionId, table.keyHash] }),
    check('session_keys_hash_is_sha256', sql`octet_length(${table.keyHash}) = 32`),
  ],
);

export const invoices = pgTable(
  'invoices',
  {
    paymentHash: bytea('payment_hash').primaryKey(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    bolt11: text('bolt11').notNull(),
    amountMsat: msat('amount_msat').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    paidAt: time('paid_at'),
    /** What arrived: it may differ from what was asked. */
    receivedMsat: msat('received_msat'),
    /** When to ask the wallet next; null once it is paid, or given up a day after it expired. */
    nextLookupAt: time('next_lookup_at').defaultNow(),
    /** With which it was asked for: the same key again gets the same invoice. */
    idempotencyKey: text('idempotency_key'),
  },
  (table) => [
    unique('invoices_of_session').on(table.sessionId, table.paymentHash),
    check('invoices_payment_hash_is_sha256', sql`octet_length(${table.paymentHash}) = 32`),
    check('invoices_whole_sats', sql`${table.amountMsat} > 0 AND ${table.amountMsat} % 1000 = 0`),
    check('invoices_paid_is_received', sql`(${table.paidAt} IS NULL) = (${table.receivedMsat} IS NULL)`),
    check('invoices_paid_is_not_looked_up', sql`${table.paidAt} IS NULL OR ${table.nextLookupAt} IS NULL`),
    check('invoices_key_length', sql`length(${table.idempotencyKey}) BETWEEN 1 AND 255`),
    uniqueIndex('invoices_one_per_key')
      .on(table.sessionId, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} IS NOT NULL`),
    index('invoices_unpaid')
      .on(table.sessionId, table.createdAt)
      .where(sql`${table.paidAt} IS NULL`),
    index('invoices_to_look_up')
      .on(table.nextLookupAt)
      .where(sql`${table.nextLookupAt} IS NOT NULL`),
    index('invoices_watched')
      .on(table.createdAt, table.paymentHash)
      .where(sql`${table.nextLookupAt} IS NOT NULL`),
    index('invoices_watched_of_session')
      .on(table.sessionId)
      .where(sql`${table.nextLookupAt} IS NOT NULL`),
  ],
);

export const sessionRequests = pgTable(
  'session_requests',
  {
    id: uuid('id').primaryKey(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the body with its defaults, and of what was said of it (null: by version 0.2.0). One of them is to match. */
    bodyHash: bytea('body_hash'),
    saidHash: bytea('said_hash'),
    state: text('state', { enum: ['running', 'completed', 'incomplete', 'failed'] })
      .notNull()
      .default('running'),
    incompleteReason: text('incomplete_reason', {
      enum: ['cancelled', 'max-output-tokens', 'balance', 'empty', 'too-long'],
    }),
    model: text('model').notNull(),
    /** What the hold pays for; less than was asked when the balance is short. */
    maxOutputTokens: integer('max_output_tokens').notNull(),
    inputTokens: integer('input_tokens'),
    outputTokens: integer('output_tokens'),
    /** The part of the output that was thought and not said; null in requests of before it was counted. */
    reasoningTokens: integer('reasoning_tokens'),
    heldMsat: msat('held_msat').notNull(),
    chargedMsat: msat('charged_msat'),
    /** The session's balance when the request ended, kept so that a replay is identical. */
    balanceMsat: msat('balance_msat'),
    historyMessages: integer('history_messages').notNull(),
    historyTokens: integer('history_tokens').notNull(),
    historyDropped: integer('history_dropped').notNull(),
    /** How many of the messages that the model was shown lie before its window. */
    historyRecalled: integer('history_recalled').notNull().default(0),
    /** Whether any of them was cut. */
    historyClipped: boolean('history_clipped').notNull().default(false),
    /** The server that runs it. It alone may settle; every renewal names it. */
    leaseOwner: uuid('lease_owner').notNull(),
    /** By the database's clock. Once it is past, anyone may end the request as failed. */
    leaseExpiresAt: time('lease_expires_at').notNull(),
    cancelRequestedAt: time('cancel_requested_at'),
    createdAt: time('created_at').notNull().defaultNow(),
    finishedAt: time('finished_at'),
  },
  (table) => [
    unique('session_requests_of_session').on(table.sessionId, table.id),
    uniqueIndex('session_requests_one_running')
      .on(table.sessionId)
      .where(sql`${table.state} = 'running'`),
    uniqueIndex('session_requests_one_answer_per_key')
      .on(table.sessionId, table.idempotencyKey)
      .where(sql`${table.state} <> 'failed'`),
    index('session_requests_leases')
      .on(table.leaseExpiresAt)
      .where(sql`${table.state} = 'running'`),
    check('session_requests_state', sql`${table.state} IN ('running', 'completed', 'incomplete', 'failed')`),
    check(
      'session_requests_incomplete_reason',
      sql`${table.incompleteReason} IN ('cancelled', 'max-output-tokens', 'balance', 'empty', 'too-long')`,
    ),
    check(
      'session_requests_incomplete_has_reason',
      sql`(${table.state} = 'incomplete') = (${table.incompleteReason} IS NOT NULL)`,
    ),
    check('session_requests_key_has_body', sql`(${table.idempotencyKey} IS NULL) = (${table.bodyHash} IS NULL)`),
    check('session_requests_said_has_key', sql`${table.saidHash} IS NULL OR ${table.idempotencyKey} IS NOT NULL`),
    check('session_requests_key_length', sql`length(${table.idempotencyKey}) BETWEEN 1 AND 255`),
    check('session_requests_held_not_negative', sql`${table.heldMsat} >= 0`),
    check('session_requests_charge_within_hold', sql`${table.chargedMsat} BETWEEN 0 AND ${table.heldMsat}`),
    check(
      'session_requests_ended_is_whole',
      sql`(${table.state} = 'running') = (${table.finishedAt} IS NULL)
        AND (${table.state} = 'running') = (${table.chargedMsat} IS NULL)
        AND (${table.state} = 'running') = (${table.balanceMsat} IS NULL)`,
    ),
    check('session_requests_failed_is_free', sql`${table.state} <> 'failed' OR ${table.chargedMsat} = 0`),
    check(
      'session_requests_answered_has_usage',
      sql`(${table.state} IN ('completed', 'incomplete')) = (${table.inputTokens} IS NOT NULL)
        AND (${table.inputTokens} IS NULL) = (${table.outputTokens} IS NULL)`,
    ),
    check('session_requests_recalled_is_shown', sql`${table.historyRecalled} BETWEEN 0 AND ${table.historyMessages}`),
    check('session_requests_reasoning_is_output', sql`${table.reasoningTokens} BETWEEN 0 AND ${table.outputTokens}`),
  ],
);

export const sessionMessages = pgTable(
  'session_messages',
  {
    ...messageColumns(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    sessionRequestId: uuid('session_request_id'),
    /** The order of insertion: what tells two messages of one instant apart. Order everywhere is (created_at, seq). */
    seq: bigint('seq', { mode: 'bigint' }).generatedAlwaysAsIdentity(),
    /** A real count of the model's tokens. It decides how much of the balance is held. */
    promptTokens: integer('prompt_tokens').notNull().default(0),
    /** False for a turn in which no word was said: kept to be read, left out of prompts. */
    inPrompts: boolean('in_prompts').notNull().default(true),
  },
  (table) => [
    // Both of one session, always: a message cannot link to another session's request.
    foreignKey({
      name: 'session_messages_request_of_session',
      columns: [table.sessionId, table.sessionRequestId],
      foreignColumns: [sessionRequests.sessionId, sessionRequests.id],
    }),
    index('session_messages_in_order').on(table.sessionId, table.createdAt, table.seq),
    uniqueIndex('session_messages_one_per_role')
      .on(table.sessionId, table.sessionRequestId, table.role)
      .where(sql`${table.sessionRequestId} IS NOT NULL`),
    check('session_messages_role', sql`${table.role} IN ('user', 'assistant')`),
    check('session_messages_tokens_not_negative', sql`${table.tokenCount} >= 0 AND ${table.promptTokens} >= 0`),
  ],
);

export const ledgerEntries = pgTable(
  'ledger_entries',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    // No cascade: a session that money ever moved in cannot be deleted.
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id),
    kind: text('kind', { enum: ['deposit', 'charge', 'refund'] }).notNull(),
    /** Signed: what the entry adds to the balance. */
    amountMsat: msat('amount_msat').notNull(),
    /** Of a charge. */
    sessionRequestId: uuid('session_request_id'),
    /** Of a deposit. */
    paymentHash: bytea('payment_hash'),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [
    foreignKey({
      name: 'ledger_entries_request_of_session',
      columns: [table.sessionId, table.sessionRequestId],
      foreignColumns: [sessionRequests.sessionId, sessionRequests.id],
    }),
    foreignKey({
      name: 'ledger_entries_invoice_of_session',
      columns: [table.sessionId, table.paymentHash],
      foreignColumns: [invoices.sessionId, invoices.paymentHash],
    }),
    uniqueIndex('ledger_entries_one_charge_per_request')
      .on(table.sessionId, table.sessionRequestId)
      .where(sql`${table.kind} = 'charge'`),
    uniqueIndex('ledger_entries_one_deposit_per_payment')
      .on(table.paymentHash)
      .where(sql`${table.kind} = 'deposit'`),
    index('ledger_entries_by_session').on(table.sessionId, table.createdAt),
    check('ledger_entries_kind', sql`${table.kind} IN ('deposit', 'charge', 'refund')`),
    check(
      'ledger_entries_sign',
      sql`CASE ${table.kind} WHEN 'deposit' THEN ${table.amountMsat} > 0 ELSE ${table.amountMsat} <= 0 END`,
    ),
    check(
      'ledger_entries_charge_has_request',
      sql`(${table.kind} = 'charge') = (${table.sessionRequestId} IS NOT NULL)`,
    ),
    check('ledger_entries_deposit_has_payment', sql`(${table.kind} = 'deposit') = (${table.paymentHash} IS NOT NULL)`),
  ],
);

export type SessionMessage = typeof sessionMessages.$inferSelect;
