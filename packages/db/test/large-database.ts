/**
 * A database in which a million sessions, requests, messages and invoices lie, as years of use leave them: nearly all ended,
 * a few thousand that still wait for something, and one session that has a tenth of everything. Random ids, so that rows lie
 * on disk in no index's order.
 */
import { createHash, randomUUID } from 'node:crypto';

import type pg from 'pg';

import type { TestSession } from './fixtures.ts';

export const ROWS = 1_000_000;

/** The number of the session that has a tenth of everything. */
export const LONG = 31;
/** The number of one that has a tenth of the messages, in none of which a word was said. */
export const SILENT = 61;

const digest = (algorithm: string, text: string) => createHash(algorithm).update(text);
const md5Uuid = (text: string) =>
  digest('md5', text)
    .digest('hex')
    .replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

/** One of the sessions; those whose number ends in 1 have a key. */
export const sessionNumber = (number: number): TestSession => ({
  sessionId: md5Uuid(`session ${number}`),
  keyHash: digest('sha256', `key ${number}`).digest(),
  paymentHash: digest('sha256', `invoice ${number}`).digest('hex'),
});

/** The server that has all requests. */
export const OWNER = randomUUID();

export const requestNumber = (number: number): string => md5Uuid(`request ${number}`);

const sessionId = (number: string) => `md5('session ' || ${number})::uuid`;
const requestId = (number: string) => `md5('request ' || ${number})::uuid`;
const paymentHash = (number: string) => `sha256(('invoice ' || ${number})::bytea)`;

/** Runs and has not ended: one in 4000, of which every second one's lease ran out. */
const isRunning = 'n % 4000 = 1';
const isUnpaid = 'n % 500 = 0';
const isIdle = 'n % 600 = 7';
/** Strangers asked for invoices and paid none: it must not matter how many. */
const isWatched = '(n % 1000 = 0 OR n % 5 IN (1, 3))';
const isPaid = `NOT (${isUnpaid} OR ${isWatched} OR n % 7 = 0)`;
const ofSession = (number: string) =>
  `CASE ${number} % 10 WHEN 0 THEN ${LONG} WHEN 9 THEN ${SILENT} ELSE ${number} END`;

const sessions = `
  INSERT INTO sessions (id, status, balance_msat, held_msat, message_count, created_at, used_at)
  SELECT ${sessionId('n')},
         CASE WHEN ${isUnpaid} THEN 'awaiting_payment' WHEN ${isIdle} OR n % 3 = 1 THEN 'active' ELSE 'expired' END,
         CASE WHEN ${isUnpaid} THEN 0 ELSE 1000000 END, CASE WHEN ${isRunning} THEN 100 ELSE 0 END,
         CASE WHEN n IN (${LONG}, ${SILENT}) THEN 100000 ELSE 2 END, now() - interval '1 year',
         now() - CASE WHEN ${isIdle} THEN interval '60 days' ELSE n % 1000 * interval '20 minutes' END
  FROM generate_series(1, ${ROWS}) n`;

const sessionKeys = `
  INSERT INTO session_keys (session_id, key_hash)
  SELECT ${sessionId('n')}, sha256(('key ' || n)::bytea) FROM generate_series(1, ${ROWS}, 10) n`;

const requests = `
  INSERT INTO session_requests (id, session_id, idempotency_key, body_hash, state, incomplete_reason, model, max_output_tokens,
    input_tokens, output_tokens, held_msat, charged_msat, balance_msat, history_messages, history_tokens, history_dropped,
    lease_owner, lease_expires_at, created_at, finished_at)
  SELECT ${requestId('n')}, ${sessionId(ofSession('n'))}, CASE WHEN n % 3 = 0 THEN 'key ' || n END,
         CASE WHEN n % 3 = 0 THEN sha256('body') END, state, CASE state WHEN 'incomplete' THEN 'cancelled' END, 'a model', 100,
         CASE WHEN answered THEN 20 END, CASE WHEN answered THEN 10 END, 100,
         CASE WHEN answered THEN 30 WHEN state = 'failed' THEN 0 END, CASE WHEN state <> 'running' THEN 1000000 END, 8, 600, 0,
         '${OWNER}', CASE WHEN n % 8000 = 1 THEN now() + interval '1 hour' ELSE said + interval '15 s' END, said,
         CASE WHEN state <> 'running' THEN said END
  FROM generate_series(1, ${ROWS}) n,
       LATERAL (SELECT CASE WHEN ${isRunning} THEN 'running' WHEN n % 50 = 0 THEN 'failed' WHEN n % 70 = 3 THEN 'incomplete'
                       ELSE 'completed' END AS state, now() - (${ROWS} - n + 60) * interval '20 s' AS said) r,
       LATERAL (SELECT state IN ('completed', 'incomplete') AS answered) a`;

const messages = `
  INSERT INTO session_messages (session_id, session_request_id, role, content, token_count, prompt_tokens, in_prompts, created_at)
  SELECT ${sessionId(ofSession('turn'))}, ${requestId('turn')}, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
         repeat('memory', 20), 30, 30, turn % 97 <> 0 AND turn % 10 <> 9, now() - (${ROWS} - n + 60) * interval '20 s'
  FROM generate_series(1, ${ROWS}) n, LATERAL (SELECT (n + 1) / 2 AS turn) t`;

const invoices = `
  INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, created_at, expires_at, paid_at, received_msat,
    next_lookup_at)
  SELECT ${paymentHash('n')}, ${sessionId(`CASE WHEN ${isUnpaid} THEN n ELSE ${ofSession('n')} END`)}, 'lnbcrt', 10000, made,
         made + interval '1 hour', CASE WHEN ${isPaid} THEN made END, CASE WHEN ${isPaid} THEN 10000 END,
         CASE WHEN ${isWatched} THEN now() + (n % 4000 - 2000) * interval '0.1 s' END
  FROM generate_series(1, ${ROWS}) n,
       LATERAL (SELECT now() - CASE WHEN ${isWatched} THEN n % 50000 * interval '1 s'
                                    ELSE (${ROWS} - n + 10000) * interval '20 s' END AS made) m`;

const ledger = [
  `INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
   SELECT session_id, id, 'charge', -charged_msat, created_at FROM session_requests WHERE state = 'completed' AND get_byte(uuid_send(id), 0) < 16`,
  `INSERT INTO ledger_entries (session_id, kind, amount_msat, payment_hash, created_at)
   SELECT session_id, 'deposit', received_msat, payment_hash, created_at FROM invoices
   WHERE paid_at IS NOT NULL AND get_byte(payment_hash, 0) < 16`,
];

/**
 * Rows as they are, past every trigger and foreign key. Indexes are laid aside and built at the end: row by row, in the order
 * of random ids, would take three times as long.
 */
export async function fillLargeDatabase(client: pg.ClientBase): Promise<void> {
  for (const statement of [
    'SET session_replication_role = replica',
    `SET maintenance_work_mem = '256MB'`,
    `UPDATE pg_index SET indisready = false WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)`,
    sessions,
    sessionKeys,
    requests,
    messages,
    invoices,
    ...['sessions', 'session_keys', 'session_requests', 'session_messages', 'invoices'].map(
      (table) => `REINDEX TABLE ${table}`,
    ),
    ...ledger,
    'REINDEX TABLE ledger_entries',
    'ANALYZE',
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- one connection
    await client.query(statement);
  }
}
