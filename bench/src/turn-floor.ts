/**
 * The floor of a turn: the same rows written by two bare named statements on the same tables, with the same keys, indexes
 * and triggers. It checks nothing: neither key nor lock nor balance, and no one is told why not.
 */
import { randomUUID } from 'node:crypto';

import type pg from 'pg';

import type { FundedSession } from './fill.ts';
import { QUESTION, REPLY, USAGE } from './product.ts';

const OWNER = randomUUID();
const HELD_MSAT = 20_000;
const CHARGED_MSAT = 3300;

const takeHold = `held AS (
    UPDATE sessions SET held_msat = held_msat + $4::bigint, used_at = clock_timestamp() WHERE id = $2 RETURNING id
  )`;
const insertRequest = `
  INSERT INTO session_requests (id, session_id, model, max_output_tokens, held_msat, history_messages, history_tokens,
    history_dropped, lease_owner, lease_expires_at)
  SELECT $1, held.id, 'instant', 1024, $4::bigint, 8, 600, 0, $3, clock_timestamp() + interval '15 s' FROM held`;

export const begin = { name: 'floor_begin', text: `WITH ${takeHold} ${insertRequest}` };

export const beginReading = {
  name: 'floor_begin_reading',
  text: `WITH ${takeHold.replace('RETURNING', 'AND EXISTS (SELECT FROM session_keys WHERE session_id = $2 AND key_hash = $5) RETURNING')},
    begun AS (${insertRequest} RETURNING id)
    SELECT (SELECT jsonb_agg(jsonb_build_object('role', m.role, 'content', m.content) ORDER BY m.created_at, m.seq) FROM (
      SELECT role, content, created_at, seq FROM session_messages WHERE session_id = $2 ORDER BY created_at DESC, seq DESC LIMIT 8
    ) m) AS history FROM begun`,
};

export const finish = {
  name: 'floor_finish',
  text: `WITH ended AS (
      UPDATE session_requests SET state = 'completed', input_tokens = $3, output_tokens = $4, charged_msat = $5::bigint,
        balance_msat = 0, finished_at = clock_timestamp()
      WHERE session_id = $1 AND id = $2 RETURNING held_msat
    ), said AS (
      INSERT INTO session_messages (session_id, session_request_id, role, content, token_count, prompt_tokens, created_at)
      VALUES ($1, $2, 'user', $6, 13, 13, now()), ($1, $2, 'assistant', $7, 80, 80, now())
    ), freed AS (
      UPDATE sessions s SET held_msat = s.held_msat - ended.held_msat, message_count = s.message_count + 2,
        used_at = clock_timestamp()
      FROM ended WHERE s.id = $1
    )
    INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
    VALUES ($1, $2, 'charge', -$5::bigint, clock_timestamp())`,
};

type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

export interface FloorOptions {
  /** The first statement checks the key and reads the history too, as a turn must. */
  readonly reading?: boolean;
}

export async function takeFloorTurn(
  client: Queryable,
  { id, keyHash }: FundedSession,
  { reading = false }: FloorOptions = {},
): Promise<void> {
  const request = randomUUID();
  const values = [request, id, OWNER, HELD_MSAT];
  await client.query(reading ? { ...beginReading, values: [...values, keyHash] } : { ...begin, values });
  await client.query({
    ...finish,
    values: [id, request, USAGE.inputTokens, USAGE.outputTokens, CHARGED_MSAT, QUESTION, REPLY],
  });
}
