/** Every constraint and trigger of the schema refuses a row that breaks it, under its own name; none is missing here. */
import { randomUUID } from 'node:crypto';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import type { Database } from '../src/transaction.ts';
import { fundedSession, run, say, unpaidSession } from './fixtures.ts';

let opened: TestDatabase;
let database: Database;
/** What the statements below name: `:session` has 1000 msat, a `:paid` and a `:pending` invoice, a `:request` with messages. */
const names: Record<string, string> = {};

beforeAll(async () => {
  opened = await openTestDatabase();
  database = opened.db;
  const session = await fundedSession(database, 1030n);
  const { requestId } = await say(database, session, 'hello', 'hello');
  const other = await unpaidSession(database);
  const literal = (value: string) => `'${value}'`;
  const hash = (hex: string) => literal(`\\x${hex}`);
  Object.assign(names, {
    ':session': literal(session.sessionId),
    ':key': hash(session.keyHash.toString('hex')),
    ':paid': hash(session.paymentHash),
    ':pending': hash(other.paymentHash),
    ':request': literal(requestId),
    ':other': literal(other.sessionId),
    ':nobody': literal(randomUUID()),
    ':hash': hash('ab'.repeat(32)),
  });
});
afterAll(() => opened.close());

/** Runs the statements in a transaction that never commits. @returns the constraint that refused one of them */
async function refusal(statements: string): Promise<string | undefined> {
  const client = await database.$client.connect();
  await client.query('BEGIN');
  try {
    await client.query(statements.replaceAll(/:[a-z]+\b/g, (name) => names[name] ?? name));
    return undefined;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.constraint) return error.constraint;
    throw error;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const insert =
  (table: string, defaults: Record<string, string>) =>
  (changes: Record<string, string> = {}) => {
    const row = { ...defaults, ...changes };
    return `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`;
  };

const anySession = insert('sessions', { status: `'active'` });
const anyKey = insert('session_keys', { session_id: ':session', key_hash: ':hash' });
const anyInvoice = insert('invoices', {
  payment_hash: ':hash',
  session_id: ':session',
  bolt11: `'lnbcrt'`,
  amount_msat: '1000',
  expires_at: 'now()',
});
const failed = {
  id: 'gen_random_uuid()',
  session_id: ':session',
  state: `'failed'`,
  model: `'a model'`,
  max_output_tokens: '1',
  held_msat: '5',
  charged_msat: '0',
  balance_msat: '0',
  history_messages: '0',
  history_tokens: '0',
  history_dropped: '0',
  lease_owner: 'gen_random_uuid()',
  lease_expires_at: 'now()',
  finished_at: 'now()',
};
const anyRequest = insert('session_requests', failed);
const completed = { state: `'completed'`, input_tokens: '1', output_tokens: '1' };
const running = { state: `'running'`, charged_msat: 'NULL', balance_msat: 'NULL', finished_at: 'NULL' };
const keyed = { idempotency_key: `'a key'`, body_hash: ':hash' };
const anyMessage = insert('session_messages', { session_id: ':session', role: `'user'`, content: `'hello'` });
const anyEntry = insert('ledger_entries', { session_id: ':session', kind: `'refund'`, amount_msat: '-1' });

const twice = (statement: string) => `${statement}; ${statement}`;
/** For a unique key that the primary key hides: what foreign keys point at. */
const withoutPrimaryKey = (table: string, statement: string) =>
  `ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey; ${statement}`;

const broken: Record<string, readonly string[]> = {
  sessions_pkey: [anySession({ id: ':session' })],
  sessions_status: [anySession({ status: `'paused'` })],
  sessions_balance_not_negative: [anyEntry({ amount_msat: '-1001' })],
  sessions_held_within_balance: [
    'UPDATE sessions SET held_msat = 1001 WHERE id = :session',
    'UPDATE sessions SET held_msat = -1 WHERE id = :session',
    `UPDATE sessions SET held_msat = 1000 WHERE id = :session; ${anyEntry()}`,
  ],
  sessions_unpaid_has_no_balance: [`UPDATE sessions SET status = 'awaiting_payment' WHERE id = :session`],
  sessions_message_count_not_negative: ['UPDATE sessions SET message_count = -1 WHERE id = :session'],
  sessions_uncharged_not_negative: [anySession({ uncharged_msat: '-1' }), anySession({ uncharged_turns: '-1' })],
  sessions_start_without_balance: [anySession({ balance_msat: '1' })],
  sessions_balance_is_the_ledger: ['UPDATE sessions SET balance_msat = 999 WHERE id = :session'],

  session_keys_session_id_key_hash_pk: [anyKey({ key_hash: ':key' })],
  session_keys_hash_is_sha256: [anyKey({ key_hash: `'\\xab'` })],
  session_keys_session_id_sessions_id_fk: [anyKey({ session_id: ':nobody' })],

  invoices_pkey: [anyInvoice({ payment_hash: ':paid' }), anyInvoice({ payment_hash: ':paid', session_id: ':other' })],
  invoices_of_session: [withoutPrimaryKey('invoices', anyInvoice({ payment_hash: ':paid' }))],
  invoices_session_id_sessions_id_fk: [anyInvoice({ session_id: ':nobody' })],
  invoices_payment_hash_is_sha256: [anyInvoice({ payment_hash: `'\\xab'` })],
  invoices_whole_sats: ['0', '-1000', '1001'].map((amount) => anyInvoice({ amount_msat: amount })),
  invoices_key_length: [`''`, `repeat('k', 256)`].map((key) => anyInvoice({ idempotency_key: key })),
  invoices_one_per_key: [
    `${anyInvoice({ idempotency_key: `'k'` })}; ${anyInvoice({ idempotency_key: `'k'`, payment_hash: `sha256('another')` })}`,
  ],
  invoices_paid_is_received: [
    anyInvoice({ paid_at: 'now()', next_lookup_at: 'NULL' }),
    anyInvoice({ received_msat: '1000' }),
  ],
  invoices_paid_is_not_looked_up: [anyInvoice({ paid_at: 'now()', received_msat: '1000' })],

  session_requests_pkey: [anyRequest({ id: ':request' }), anyRequest({ id: ':request', session_id: ':other' })],
  session_requests_of_session: [withoutPrimaryKey('session_requests', anyRequest({ id: ':request' }))],
  session_requests_session_id_sessions_id_fk: [anyRequest({ session_id: ':nobody' })],
  session_requests_one_running: [twice(anyRequest(running))],
  session_requests_one_answer_per_key: [
    twice(anyRequest({ ...completed, ...keyed })),
    `${anyRequest({ ...running, ...keyed })}; ${anyRequest({ ...completed, ...keyed })}`,
  ],
  session_requests_state: [anyRequest({ state: `'paused'` })],
  session_requests_incomplete_reason: [
    anyRequest({ ...completed, state: `'incomplete'`, incomplete_reason: `'tired'` }),
  ],
  session_requests_incomplete_has_reason: [
    anyRequest({ ...completed, state: `'incomplete'` }),
    anyRequest({ ...completed, incomplete_reason: `'balance'` }),
  ],
  session_requests_key_has_body: [anyRequest({ ...keyed, body_hash: 'NULL' }), anyRequest({ body_hash: ':hash' })],
  session_requests_said_has_key: [anyRequest({ said_hash: ':hash' })],
  session_requests_key_length: [`''`, `repeat('k', 256)`].map((key) => anyRequest({ ...keyed, idempotency_key: key })),
  session_requests_held_not_negative: [anyRequest({ ...running, held_msat: '-1' })],
  session_requests_charge_within_hold: ['-1', '6'].map((charge) => anyRequest({ ...completed, charged_msat: charge })),
  session_requests_recalled_is_shown: ['-1', '2'].map((recalled) =>
    anyRequest({ history_messages: '1', history_recalled: recalled }),
  ),
  session_requests_reasoning_is_output: ['-1', '2'].map((reasoning) =>
    anyRequest({ ...completed, reasoning_tokens: reasoning }),
  ),
  session_requests_ended_is_whole: [
    ...['charged_msat', 'balance_msat', 'finished_at'].map((column) => anyRequest({ ...completed, [column]: 'NULL' })),
    anyRequest({ ...running, charged_msat: '0' }),
    anyRequest({ ...running, balance_msat: '0' }),
    anyRequest({ ...running, finished_at: 'now()' }),
  ],
  session_requests_failed_is_free: [anyRequest({ charged_msat: '1' })],
  session_requests_answered_has_usage: [
    anyRequest({ ...completed, input_tokens: 'NULL', output_tokens: 'NULL' }),
    anyRequest({ ...completed, output_tokens: 'NULL' }),
    anyRequest({ ...running, input_tokens: '1', output_tokens: '1' }),
    anyRequest({ output_tokens: '1' }),
  ],

  session_messages_pkey: [twice(anyMessage({ id: ':nobody' }))],
  session_messages_session_id_sessions_id_fk: [anyMessage({ session_id: ':nobody' })],
  session_messages_request_of_session: [
    anyMessage({ session_id: ':other', session_request_id: ':request' }),
    anyMessage({ session_request_id: ':nobody' }),
  ],
  session_messages_one_per_role: [`'user'`, `'assistant'`].map((role) =>
    anyMessage({ session_request_id: ':request', role }),
  ),
  session_messages_role: [anyMessage({ role: `'system'` })],
  session_messages_tokens_not_negative: [anyMessage({ token_count: '-1' }), anyMessage({ prompt_tokens: '-1' })],

  ledger_entries_pkey: [twice(anyEntry({ id: ':nobody' }))],
  ledger_entries_session_id_sessions_id_fk: [anyEntry({ session_id: ':nobody' })],
  ledger_entries_request_of_session: [
    anyEntry({ kind: `'charge'`, session_request_id: ':nobody' }),
    `${anyRequest({ ...completed, id: ':nobody', session_id: ':other' })};
     ${anyEntry({ kind: `'charge'`, session_request_id: ':nobody' })}`,
  ],
  ledger_entries_invoice_of_session: [
    anyEntry({ kind: `'deposit'`, amount_msat: '1', payment_hash: ':hash' }),
    anyEntry({ kind: `'deposit'`, amount_msat: '1', payment_hash: ':pending' }),
  ],
  ledger_entries_one_charge_per_request: [anyEntry({ kind: `'charge'`, session_request_id: ':request' })],
  ledger_entries_one_deposit_per_payment: [anyEntry({ kind: `'deposit'`, amount_msat: '1', payment_hash: ':paid' })],
  ledger_entries_kind: [anyEntry({ kind: `'gift'` })],
  ledger_entries_sign: [
    anyEntry({ amount_msat: '1' }),
    anyEntry({ kind: `'charge'`, session_request_id: ':request', amount_msat: '1' }),
    anyEntry({ kind: `'deposit'`, payment_hash: ':pending', amount_msat: '0' }),
  ],
  ledger_entries_charge_has_request: [
    anyEntry({ kind: `'charge'` }),
    anyEntry({ session_request_id: ':request' }),
    anyEntry({ kind: `'deposit'`, amount_msat: '1', payment_hash: ':hash', session_request_id: ':request' }),
  ],
  ledger_entries_deposit_has_payment: [
    anyEntry({ kind: `'deposit'`, amount_msat: '1' }),
    anyEntry({ payment_hash: ':paid' }),
  ],
  ledger_entries_append_only: [
    'UPDATE ledger_entries SET amount_msat = -2 WHERE session_id = :session',
    'DELETE FROM ledger_entries WHERE session_id = :session',
  ],
  ledger_entries_never_truncated: ['TRUNCATE ledger_entries', 'TRUNCATE sessions CASCADE'],
};

describe('the schema refuses a row that breaks', () => {
  const breaking = Object.entries(broken).flatMap(([name, all]) => all.map((statement) => ({ name, statement })));
  test.each(breaking)('$name: $statement', async ({ name, statement }) => {
    expect(await refusal(statement)).toBe(name);
  });

  test('nothing, when the row is whole', async () => {
    const whole = [
      anySession(),
      anyKey(),
      anyInvoice(),
      twice(anyRequest(keyed)), // a failed request frees its key
      anyRequest({ ...running, ...keyed, session_id: ':other' }),
      anyMessage(),
      anyEntry(),
    ];
    for (const statement of whole) expect([statement, await refusal(statement)]).toEqual([statement, undefined]);
  });

  test('every constraint that there is: none is missing above', async () => {
    const rows = await run<{ name: string }>(
      database,
      `SELECT conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
       UNION SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
         WHERE relnamespace = 'public'::regnamespace AND indisunique
       UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`,
    );
    // Triggers that write, and the key of the migrations' own table.
    const others = new Set([
      'ledger_entries_apply',
      'sessions_version',
      'sessions_messages_version',
      'invoices_change_their_session',
      'timmy_tower_migrations_pkey',
    ]);
    const refusing = rows.map((row) => row.name).filter((name) => !others.has(name));
    expect(Object.keys(broken).toSorted()).toEqual(refusing.toSorted());
  });
});
