/** The schema and its functions are such that a PostgreSQL sharded by session can hold the one and run the others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { brokenShardRules, statementsOf } from '../src/shard-rules.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { run } from './fixtures.ts';

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());

interface OurFunction {
  readonly name: string;
  readonly language: string;
  readonly parameters: string;
  readonly body: string;
}

const listFunctions = async () =>
  run<OurFunction & Record<string, unknown>>(
    opened.db,
    `SELECT proname AS name, lanname AS language, pg_get_function_identity_arguments(p.oid) AS parameters, prosrc AS body
     FROM pg_proc p JOIN pg_language l ON l.oid = prolang
     WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 3`,
  );

describe('functions', () => {
  test('that have parameters are PL/pgSQL, and name their session first; a payment names its hash, a price reads nothing', async () => {
    const functions = (await listFunctions()).filter(({ parameters }) => parameters !== '');
    expect(functions.length).toBeGreaterThan(10);
    expect(functions.filter(({ language }) => language !== 'plpgsql')).toEqual([]);
    const others = functions.filter(({ parameters }) => !parameters.startsWith('p_session uuid'));
    expect(others.map(({ name }) => name)).toEqual(['credit_payment', 'price_turn']);
    expect(others.find(({ name }) => name === 'price_turn')!.body).not.toMatch(/\b(?:FROM|SELECT)\b/);
  });

  test('hold only statements that one shard can run; a payment is found by its hash', async () => {
    const functions = await listFunctions();
    const statements = functions.flatMap(({ name, body }) => statementsOf(body).map((text) => ({ name, text })));
    expect(statements.length).toBeGreaterThan(30);
    const broken = statements.flatMap(({ name, text }) => brokenShardRules(text).map((rule) => `${name} ${rule}`));
    expect(broken).toEqual(['credit_payment names no session for invoices']);
  });
});

test('every primary key and unique index begins with the session, but the ids of rows and the hash of a payment', async () => {
  const rows = await run<{ index: string }>(
    opened.db,
    `SELECT i.indexrelid::regclass::text AS index
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND a.attname <> 'session_id'
       AND c.relname <> 'timmy_tower_migrations' ORDER BY 1`,
  );
  expect(rows.map(({ index }) => index)).toEqual([
    'invoices_pkey',
    'ledger_entries_one_deposit_per_payment',
    'ledger_entries_pkey',
    'session_messages_pkey',
    'session_requests_pkey',
    'sessions_pkey',
  ]);
});

describe('a rule is broken by', () => {
  const broken: Record<string, string> = {
    'a read without a session': 'SELECT * FROM invoices WHERE payment_hash = $1',
    'a subquery without a session':
      'SELECT * FROM sessions WHERE id = $1 AND EXISTS (SELECT FROM invoices i WHERE i.paid_at IS NULL)',
    'a join by a column alone':
      'SELECT * FROM session_requests r JOIN sessions s ON s.id = r.session_id WHERE r.session_id = $1',
    'a session that another table names': 'SELECT * FROM invoices i, sessions s WHERE i.session_id = $1',
    'an UPDATE without a session': `UPDATE "session_requests" SET "state" = 'failed' WHERE "session_requests"."id" = $1`,
    'an INSERT of a column': 'INSERT INTO session_keys (key_hash, session_id) VALUES ($1, gen_random_uuid())',
    'the clock in an UPDATE': 'UPDATE sessions s SET used_at = clock_timestamp() WHERE s.id = $1',
    'the clock in a DELETE': 'DELETE FROM sessions WHERE id = p_session AND used_at < clock_timestamp()',
    'arithmetic on a column': `SELECT FROM invoices WHERE session_id = $1 AND expires_at + interval '1 day' < now()`,
  };
  test.for(Object.entries(broken))('%s', ([, statement]) => {
    expect(brokenShardRules(statement)).toHaveLength(1);
  });

  test('none of what it allows', () => {
    const allowed = [
      `SELECT * FROM sessions s JOIN session_keys k ON k.session_id = $1 WHERE s.id = $1`,
      `SELECT "id" FROM "sessions" WHERE "sessions"."id" = ANY($1::uuid[])`,
      `UPDATE sessions SET used_at = now() WHERE id = $1 AND used_at < statement_timestamp() - $2 * interval '1 ms'`,
      `INSERT INTO invoices (payment_hash, session_id) VALUES ($1, $2)`,
    ];
    expect(allowed.flatMap(brokenShardRules)).toEqual([]);
  });
});
