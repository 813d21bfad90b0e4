/**
 * What a server of version 0.1.0 sends, word for word, as its driver was handed it. These statements have to work on, with the
 * same meaning, on every database that 0.2.0 makes of one: while servers are exchanged one by one, both versions run at once.
 */
export const statements = {
  findSession: `select "sessions"."id", "sessions"."status", "sessions"."balance_msat", "sessions"."held_msat", "sessions"."message_count", "sessions"."created_at", "sessions"."used_at", "invoices"."payment_hash", "invoices"."session_id", "invoices"."bolt11", "invoices"."amount_msat", "invoices"."created_at", "invoices"."expires_at", "invoices"."paid_at", "invoices"."received_msat", "invoices"."next_lookup_at" from "sessions" inner join "session_keys" on ("session_keys"."session_id" = "sessions"."id" and "session_keys"."key_hash" = $1) left join "invoices" on "invoices"."payment_hash" = (
    SELECT i.payment_hash FROM "invoices" i WHERE i.session_id = "sessions"."id" AND i.paid_at IS NULL
    ORDER BY i.created_at DESC LIMIT 1) where "sessions"."id" = $2`,
  insertSession: `insert into "sessions" ("id", "status", "balance_msat", "held_msat", "message_count", "created_at", "used_at") values ($1, default, default, default, default, default, default) returning "id", "status", "balance_msat", "held_msat", "message_count", "created_at", "used_at"`,
  insertSessionKey: `insert into "session_keys" ("session_id", "key_hash", "created_at") values ($1, $2, default)`,
  insertInvoice: `insert into "invoices" ("payment_hash", "session_id", "bolt11", "amount_msat", "created_at", "expires_at", "paid_at", "received_msat", "next_lookup_at") values ($1, $2, $3, $4, default, $5, default, default, default) returning "payment_hash", "session_id", "bolt11", "amount_msat", "created_at", "expires_at", "paid_at", "received_msat", "next_lookup_at"`,
  insertHistorySession: `insert into "sessions" ("id", "status", "balance_msat", "held_msat", "message_count", "created_at", "used_at") values (default, $1, default, default, default, default, default) returning "id"`,
  lockSession: `select "id" from "sessions" where "sessions"."id" = $1 for no key update`,
  creditPayment: `SELECT credit_payment($1, $2) AS outcome`,
  findPayableInvoice: `select "payment_hash", "session_id", "bolt11", "amount_msat", "created_at", "expires_at", "paid_at", "received_msat", "next_lookup_at" from "invoices" where ("invoices"."session_id" = $1 and "invoices"."paid_at" is null and "invoices"."expires_at" > clock_timestamp() and "invoices"."amount_msat" >= $2) order by "invoices"."created_at" desc limit $3`,
  lookUpAllInvoicesNow: `update "invoices" set "next_lookup_at" = clock_timestamp() where "invoices"."next_lookup_at" is not null`,
  claimInvoicesToLookUp: `
    WITH due AS MATERIALIZED (
      SELECT payment_hash FROM "invoices" WHERE next_lookup_at <= clock_timestamp()
      ORDER BY next_lookup_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    UPDATE "invoices" SET next_lookup_at = CASE
  WHEN clock_timestamp() < created_at + interval '1 minute' THEN clock_timestamp() + interval '10 seconds'
  WHEN clock_timestamp() < created_at + interval '5 minutes' THEN clock_timestamp() + interval '30 seconds'
  WHEN clock_timestamp() < created_at + interval '30 minutes' THEN clock_timestamp() + interval '2 minutes'
  ELSE clock_timestamp() + interval '10 minutes'
END
    WHERE payment_hash IN (SELECT payment_hash FROM due)
    RETURNING payment_hash`,
  stopWatchingIfDead: `update "invoices" set "next_lookup_at" = $1 where ("invoices"."payment_hash" = $2 and "invoices"."expires_at" + interval '1 day' < clock_timestamp())`,
  reserveTurn: `SELECT * FROM reserve_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
  settleTurn: `SELECT * FROM settle_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  releaseTurn: `SELECT release_turn($1, $2, $3) AS released`,
  findRequest: `select "session_requests"."id", "session_requests"."session_id", "session_requests"."idempotency_key", "session_requests"."body_hash", "session_requests"."state", "session_requests"."incomplete_reason", "session_requests"."model", "session_requests"."max_output_tokens", "session_requests"."input_tokens", "session_requests"."output_tokens", "session_requests"."held_msat", "session_requests"."charged_msat", "session_requests"."balance_msat", "session_requests"."history_messages", "session_requests"."history_tokens", "session_requests"."history_dropped", "session_requests"."lease_owner", "session_requests"."lease_expires_at", "session_requests"."cancel_requested_at", "session_requests"."created_at", "session_requests"."finished_at", "session_messages"."id", "session_messages"."session_id", "session_messages"."session_request_id", "session_messages"."seq", "session_messages"."role", "session_messages"."content", "session_messages"."token_count", "session_messages"."prompt_tokens", "session_messages"."in_prompts", "session_messages"."created_at", "sessions"."balance_msat" from "session_requests" inner join "sessions" on "sessions"."id" = "session_requests"."session_id" left join "session_messages" on ("session_messages"."session_id" = "session_requests"."session_id" and "session_messages"."session_request_id" = "session_requests"."id" and "session_messages"."role" = $1) where ("session_requests"."session_id" = $2 and "session_requests"."id" = $3)`,
  findRunningRequest: `select "id" from "session_requests" where ("session_requests"."session_id" = $1 and "session_requests"."state" = $2)`,
  requestCancel: `update "session_requests" set "cancel_requested_at" = coalesce("session_requests"."cancel_requested_at", clock_timestamp()) where ("session_requests"."session_id" = $1 and "session_requests"."id" = $2 and "session_requests"."state" = $3)`,
  renewLeases: `update "session_requests" set "lease_expires_at" = clock_timestamp() + $1 * interval '1 ms' where ("session_requests"."id" in ($2, $3) and "session_requests"."lease_owner" = $4 and "session_requests"."state" = $5) returning "id", "cancel_requested_at" IS NOT NULL`,
  listAbandonedRequests: `select "session_id", "id" from "session_requests" where ("session_requests"."state" = $1 and "session_requests"."lease_expires_at" < clock_timestamp())`,
  newestMessages: `SELECT role, content, token_count FROM session_messages WHERE session_id = $1
         ORDER BY created_at DESC, seq DESC LIMIT $2`,
  listMessages: `select "id", "session_id", "session_request_id", "seq", "role", "content", "token_count", "prompt_tokens", "in_prompts", "created_at" from "session_messages" where "session_messages"."session_id" = $1 order by "session_messages"."created_at" asc, "session_messages"."seq" asc limit $2`,
  listMessagesAfter: `select "id", "session_id", "session_request_id", "seq", "role", "content", "token_count", "prompt_tokens", "in_prompts", "created_at" from "session_messages" where ("session_messages"."session_id" = $1 and ("session_messages"."created_at", "session_messages"."seq") > (SELECT c.created_at, c.seq FROM session_messages c WHERE c.session_id = $2 AND c.id = $3)) order by "session_messages"."created_at" asc, "session_messages"."seq" asc limit $4`,
  listMessagesBefore: `select "id", "session_id", "session_request_id", "seq", "role", "content", "token_count", "prompt_tokens", "in_prompts", "created_at" from "session_messages" where ("session_messages"."session_id" = $1 and ("session_messages"."created_at", "session_messages"."seq") < (SELECT c.created_at, c.seq FROM session_messages c WHERE c.session_id = $2 AND c.id = $3)) order by "session_messages"."created_at" desc, "session_messages"."seq" desc limit $4`,
  isMessageOf: `select "id" from "session_messages" where ("session_messages"."session_id" = $1 and "session_messages"."id" = $2)`,
  countAppendedMessage: `update "sessions" set "message_count" = "sessions"."message_count" + 1, "used_at" = clock_timestamp() where "sessions"."id" = $1`,
  appendMessage: `insert into "session_messages" ("id", "session_id", "session_request_id", "seq", "role", "content", "token_count", "prompt_tokens", "in_prompts", "created_at") values (default, $1, default, default, $2, $3, $4, default, default, next_message_time($5)) returning "id", "session_id", "session_request_id", "seq", "role", "content", "token_count", "prompt_tokens", "in_prompts", "created_at"`,
  deleteMessages: `delete from "session_messages" where "session_messages"."session_id" = $1`,
  resetMessageCount: `update "sessions" set "message_count" = $1 where "sessions"."id" = $2`,
  listIdleSessions: `select "id" from "sessions" where ("sessions"."status" = $1 and "sessions"."used_at" < clock_timestamp() - $2 * interval '1 ms' and NOT EXISTS (SELECT FROM "session_requests" r WHERE r.session_id = "sessions"."id" AND r.state = 'running') and NOT EXISTS (SELECT FROM "invoices" i WHERE i.session_id = "sessions"."id" AND i.next_lookup_at IS NOT NULL))`,
  expireSession: `update "sessions" set "status" = $1 where ("sessions"."id" = $2 and ("sessions"."status" = $3 and "sessions"."used_at" < clock_timestamp() - $4 * interval '1 ms' and NOT EXISTS (SELECT FROM "session_requests" r WHERE r.session_id = "sessions"."id" AND r.state = 'running') and NOT EXISTS (SELECT FROM "invoices" i WHERE i.session_id = "sessions"."id" AND i.next_lookup_at IS NOT NULL)))`,
  listDeadSessions: `select "id" from "sessions" where ("sessions"."status" = $1 and NOT EXISTS (SELECT FROM "invoices" i WHERE i.session_id = "sessions"."id" AND i.next_lookup_at IS NOT NULL))`,
  removeSession: `delete from "sessions" where ("sessions"."id" = $1 and ("sessions"."status" = $2 and NOT EXISTS (SELECT FROM "invoices" i WHERE i.session_id = "sessions"."id" AND i.next_lookup_at IS NOT NULL)))`,
  listLedger: `select "id", "session_id", "kind", "amount_msat", "session_request_id", "payment_hash", "created_at" from "ledger_entries" where "ledger_entries"."session_id" = $1 order by "ledger_entries"."created_at" asc`,
  listDiscrepancies: `
    SELECT * FROM (
      SELECT s.id, s.balance_msat AS balance, s.held_msat AS held,
        coalesce((SELECT sum(l.amount_msat) FROM ledger_entries l WHERE l.session_id = s.id), 0)::bigint AS ledger,
        coalesce((SELECT sum(r.held_msat) FROM session_requests r WHERE r.session_id = s.id AND r.state = 'running'), 0)::bigint AS holds
      FROM sessions s
    ) books
    WHERE balance <> ledger OR held <> holds`,
} as const;
