/** Big tables, fast. Rows lie on disk as they would have come in: the sessions' messages interleaved. */
import { createSessionKey, hashSessionKey } from '@timmy-tower/api-server/sessions/session-key.ts';
import type pg from 'pg';

/** 300 characters, 75 tokens by the heuristic: a window of 8 is well within its budget. */
const CONTENT = "repeat('memory', 50)";

export interface Filling {
  /** How many sessions of 100 messages each. */
  readonly sessions: number;
  /** How many messages the one long session has; a multiple of 100. */
  readonly longSession: number;
}

export interface FilledSessions {
  readonly ids: readonly string[];
  /** Undefined when it has no messages. */
  readonly longId: string | undefined;
}

/** Session 0 is the long one. Ids are made from the number, so that they need no table. */
const idOf = (number: string) => `md5('session ' || ${number})::uuid`;

/** Histories without turns: neither requests nor a ledger. */
export async function fillMessages(pool: pg.Pool, { sessions, longSession }: Filling): Promise<FilledSessions> {
  await pool.query(
    `INSERT INTO sessions (id, status, message_count)
     SELECT ${idOf('s')}, 'active', CASE s WHEN 0 THEN $2::integer ELSE 100 END FROM generate_series(0, $1::integer) s`,
    [sessions, longSession],
  );
  await pool.query(
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens, created_at)
     SELECT ${idOf('s')}, CASE WHEN said % 2 = 1 THEN 'user' ELSE 'assistant' END, ${CONTENT}, 75, 75,
            timestamptz '2026-01-01' + said * interval '1 ms'
     FROM (
       SELECT s, row_number() OVER (ORDER BY round, random()) AS said
       FROM generate_series(1, 100) round,
            LATERAL (SELECT s FROM generate_series(1, $1::integer) s UNION ALL SELECT 0 FROM generate_series(1, $2::integer / 100)) n
     ) m
     ORDER BY said`,
    [sessions, longSession],
  );
  await pool.query('VACUUM ANALYZE');
  const { rows } = await pool.query<{ id: string }>(
    `SELECT ${idOf('s')} AS id FROM generate_series(1, $1::integer) s ORDER BY random()`,
    [sessions],
  );
  const long = await pool.query<{ id: string }>(`SELECT ${idOf('0')} AS id`);
  return { ids: rows.map(({ id }) => id), longId: longSession > 0 ? long.rows[0]!.id : undefined };
}

/**
 * Turns of others: 10,000 in 500 sessions, at no charge. PostgreSQL keeps the plans that it made when tables were empty, and
 * a server that has been in use for a while is what is measured.
 */
export async function fillTurns(pool: pg.Pool, { quick }: { quick: boolean }): Promise<void> {
  const sessions = quick ? 20 : 500;
  await pool.query(
    `INSERT INTO sessions (id, status, message_count) SELECT ${idOf('s')}, 'active', 40 FROM generate_series(1, $1::integer) s`,
    [sessions],
  );
  await pool.query(
    `INSERT INTO session_requests (id, session_id, state, model, max_output_tokens, input_tokens, output_tokens, held_msat,
       charged_msat, balance_msat, history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at,
       created_at, finished_at)
     SELECT gen_random_uuid(), ${idOf('s')}, 'completed', 'instant', 1024, 700, 80, 0, 0, 0, 8, 600, 0, gen_random_uuid(),
       said, said, said
     FROM generate_series(1, 20) turn, generate_series(1, $1::integer) s,
          LATERAL (SELECT now() - interval '1 day' + turn * interval '1 minute' AS said) t
     ORDER BY turn, s`,
    [sessions],
  );
  await pool.query(
    `INSERT INTO session_messages (session_id, session_request_id, role, content, token_count, prompt_tokens, created_at)
     SELECT session_id, id, role, ${CONTENT}, 75, 75, created_at
     FROM session_requests, unnest(ARRAY['user', 'assistant']) role ORDER BY created_at, session_id, role DESC`,
  );
  await pool.query(
    `INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
     SELECT session_id, id, 'charge', 0, created_at FROM session_requests ORDER BY created_at`,
  );
  await pool.query('VACUUM ANALYZE');
}

export interface FundedSession {
  readonly id: string;
  readonly key: string;
  readonly keyHash: Buffer;
}

/** Sessions with a key, a deposit of a million sats, and a conversation that fills a prompt's window. */
export async function fundSessions(pool: pg.Pool, count: number): Promise<FundedSession[]> {
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO sessions (status, message_count) SELECT 'active', 20 FROM generate_series(1, $1::integer) RETURNING id`,
    [count],
  );
  const ids = rows.map(({ id }) => id);
  await pool.query(
    `INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, expires_at, paid_at, received_msat, next_lookup_at)
     SELECT sha256(id::text::bytea), id, 'lnbcrt', 1000000000, now(), now(), 1000000000, NULL FROM unnest($1::uuid[]) id`,
    [ids],
  );
  await pool.query(
    `INSERT INTO ledger_entries (session_id, kind, amount_msat, payment_hash)
     SELECT id, 'deposit', 1000000000, sha256(id::text::bytea) FROM unnest($1::uuid[]) id`,
    [ids],
  );
  await pool.query(
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens, created_at)
     SELECT id, CASE WHEN said % 2 = 1 THEN 'user' ELSE 'assistant' END, ${CONTENT}, 75, 75,
            now() - interval '1 hour' + said * interval '1 s'
     FROM generate_series(1, 20) said, unnest($1::uuid[]) id ORDER BY said`,
    [ids],
  );
  const sessions = await Promise.all(ids.map((id) => addKey(pool, id)));
  return sessions;
}

/** Gives a session one more key. */
export async function addKey(pool: pg.Pool, id: string): Promise<FundedSession> {
  const key = createSessionKey(id);
  const keyHash = hashSessionKey(key);
  await pool.query('INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [id, keyHash]);
  return { id, key, keyHash };
}
