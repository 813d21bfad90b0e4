/**
 * What a server of version 0.3.0 sends, word for word, as its driver was handed it. These statements have to work on, with the
 * same meaning, on every database that 0.4.0 makes of one: while servers are exchanged one by one, both versions run at once.
 */
export const statements = {
  openSession: `SELECT open_session($1, $2, $3, $4, $5, $6)`,
  findSession: `select "sessions"."id", "sessions"."status", "sessions"."balance_msat", "sessions"."held_msat", "sessions"."created_at", "sessions"."used_at", "sessions"."version", "sessions"."messages_version", statement_timestamp(), "invoice"."payment_hash", "invoice"."bolt11", "invoice"."amount_msat", "invoice"."expires_at", "invoice_status" from "sessions" inner join "session_keys" on ("session_keys"."session_id" = $1 and "session_keys"."key_hash" = $2) left join (select "payment_hash", "bolt11", "amount_msat", "expires_at", CASE WHEN "paid_at" IS NOT NULL THEN 'paid'
    WHEN "expires_at" > statement_timestamp() THEN 'pending' ELSE 'expired' END as "invoice_status" from "invoices" where ("invoices"."session_id" = $3 and "invoices"."paid_at" is null) order by "invoices"."created_at" desc limit $4) "invoice" on true where "sessions"."id" = $5`,
  insertHistorySession: `insert into "sessions" ("id", "status", "balance_msat", "held_msat", "message_count", "created_at", "used_at", "version", "messages_version", "uncharged_msat", "uncharged_turns", "uncharged_since") values (default, $1, default, default, default, default, default, default, default, default, default, default) returning "id"`,
  creditPayment: `SELECT credit_payment($1, $2) AS outcome`,
  addInvoice: `
      SELECT add_invoice($1, $2, $3, $4, $5, $6, $7) AS outcome`,
  keyInvoice: `SELECT key_invoice($1, $2, $3) AS keyed`,
  findInvoiceByKey: `select "payment_hash", "bolt11", "amount_msat", "expires_at", CASE WHEN "paid_at" IS NOT NULL THEN 'paid'
    WHEN "expires_at" > statement_timestamp() THEN 'pending' ELSE 'expired' END as "invoice_status" from "invoices" where ("invoices"."session_id" = $1 and "invoices"."idempotency_key" = $2)`,
  listPayableInvoices: `select "payment_hash", "bolt11", "amount_msat", "expires_at", CASE WHEN "paid_at" IS NOT NULL THEN 'paid'
    WHEN "expires_at" > statement_timestamp() THEN 'pending' ELSE 'expired' END as "invoice_status", extract(epoch FROM "expires_at" - statement_timestamp()) * 1000, "idempotency_key" IS NOT NULL from "invoices" where ("invoices"."session_id" = $1 and "invoices"."paid_at" is null) order by "invoices"."created_at" desc limit $2`,
  listWatchedInvoices: `select "created_at"::text, encode("payment_hash", 'hex') from "invoices" where "invoices"."next_lookup_at" is not null order by "invoices"."created_at" desc, "invoices"."payment_hash" desc limit $1`,
  listWatchedInvoicesAfter: `select "created_at"::text, encode("payment_hash", 'hex') from "invoices" where ("invoices"."next_lookup_at" is not null and (created_at, payment_hash) < ($1, $2)) order by "invoices"."created_at" desc, "invoices"."payment_hash" desc limit $3`,
  listDueInvoices: `
    SELECT session_id, payment_hash FROM invoices WHERE next_lookup_at <= statement_timestamp()
    ORDER BY next_lookup_at DESC LIMIT 50`,
  claimInvoices: `
    UPDATE invoices i SET next_lookup_at = CASE
  WHEN expires_at < statement_timestamp() - interval '1 day' THEN NULL
  WHEN created_at > statement_timestamp() - interval '1 minute' THEN statement_timestamp() + interval '10 seconds'
  WHEN created_at > statement_timestamp() - interval '5 minutes' THEN statement_timestamp() + interval '30 seconds'
  WHEN created_at > statement_timestamp() - interval '30 minutes' THEN statement_timestamp() + interval '2 minutes'
  ELSE statement_timestamp() + interval '10 minutes'
END
    FROM unnest($1::uuid[], $2::bytea[]) AS due (session_id, payment_hash)
    WHERE i.session_id = due.session_id AND i.payment_hash = due.payment_hash AND i.next_lookup_at <= statement_timestamp()
    RETURNING i.payment_hash`,
  findKeys: `select "session_keys"."session_id", "session_keys"."key_hash", "sessions"."status" from "session_keys" inner join "sessions" on ("sessions"."id" = "session_keys"."session_id" and "sessions"."id" = ANY($1::uuid[])) where ("session_keys"."session_id" = ANY($2::uuid[]) and "session_keys"."key_hash" = ANY($3::bytea[]))`,
  listSessionVersions: `select "id", "version" from "sessions" where "sessions"."id" = ANY($1::uuid[])`,
  listSessions: `select "sessions"."id", "sessions"."status", "sessions"."balance_msat", "sessions"."held_msat", "sessions"."created_at", "sessions"."used_at", "sessions"."version", "sessions"."messages_version", statement_timestamp(), "invoice"."payment_hash", "invoice"."bolt11", "invoice"."amount_msat", "invoice"."expires_at", "invoice_status" from "sessions" left join lateral (select "payment_hash", "bolt11", "amount_msat", "expires_at", CASE WHEN "paid_at" IS NOT NULL THEN 'paid'
    WHEN "expires_at" > statement_timestamp() THEN 'pending' ELSE 'expired' END as "invoice_status" from "invoices" where ("invoices"."session_id" = "sessions"."id" and "invoices"."paid_at" is null) order by "invoices"."created_at" desc limit $1) "invoice" on true where "sessions"."id" = ANY($2::uuid[])`,
  reserveTurn: `SELECT * FROM reserve_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
  settleTurn: `SELECT * FROM settle_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
  releaseTurn: `SELECT release_turn($1, $2, $3, $4) AS released`,
  findRequest: `select "session_requests"."id", "session_requests"."session_id", "session_requests"."idempotency_key", "session_requests"."body_hash", "session_requests"."said_hash", "session_requests"."state", "session_requests"."incomplete_reason", "session_requests"."model", "session_requests"."max_output_tokens", "session_requests"."input_tokens", "session_requests"."output_tokens", "session_requests"."reasoning_tokens", "session_requests"."held_msat", "session_requests"."charged_msat", "session_requests"."balance_msat", "session_requests"."history_messages", "session_requests"."history_tokens", "session_requests"."history_dropped", "session_requests"."lease_owner", "session_requests"."lease_expires_at", "session_requests"."cancel_requested_at", "session_requests"."created_at", "session_requests"."finished_at", "session_messages"."id", "session_messages"."role", "session_messages"."content", "session_messages"."token_count", "session_messages"."created_at", "session_messages"."session_id", "session_messages"."session_request_id", "session_messages"."seq", "session_messages"."prompt_tokens", "session_messages"."in_prompts", "sessions"."balance_msat" from "session_requests" inner join "sessions" on "sessions"."id" = $1 left join "session_messages" on ("session_messages"."session_id" = $2 and "session_messages"."session_request_id" = "session_requests"."id" and "session_messages"."role" = $3) where ("session_requests"."session_id" = $4 and "session_requests"."id" = $5)`,
  findRequestByKey: `select "id", "state", "body_hash", "said_hash" from "session_requests" where ("session_requests"."session_id" = $1 and "session_requests"."idempotency_key" = $2 and "session_requests"."state" <> 'failed')`,
  requestCancel: `update "session_requests" set "cancel_requested_at" = statement_timestamp() where ("session_requests"."session_id" = $1 and "session_requests"."id" = $2 and "session_requests"."cancel_requested_at" is null and "session_requests"."state" = 'running')`,
  renewLeases: `update "session_requests" set "lease_expires_at" = statement_timestamp() + $1 * interval '1 ms' where ("session_requests"."session_id" in ($2) and "session_requests"."id" in ($3) and "session_requests"."lease_owner" = $4 and "session_requests"."state" = 'running') returning "id", "cancel_requested_at" IS NOT NULL`,
  renewTwoLeases: `update "session_requests" set "lease_expires_at" = statement_timestamp() + $1 * interval '1 ms' where ("session_requests"."session_id" in ($2, $3) and "session_requests"."id" in ($4, $5) and "session_requests"."lease_owner" = $6 and "session_requests"."state" = 'running') returning "id", "cancel_requested_at" IS NOT NULL`,
  listAbandonedRequests: `select "session_id", "id" from "session_requests" where ("session_requests"."state" = 'running' and "session_requests"."lease_expires_at" < statement_timestamp()) order by "session_requests"."lease_expires_at" asc limit $1`,
  newestMessages: `SELECT "session_messages"."role", "session_messages"."content", "session_messages"."token_count" FROM "session_messages" WHERE "session_messages"."session_id" = $1
      ORDER BY "session_messages"."created_at" DESC, "session_messages"."seq" DESC LIMIT $2`,
  listMessages: `select "id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts" from "session_messages" where "session_messages"."session_id" = $1 order by "session_messages"."created_at" asc, "session_messages"."seq" asc limit $2`,
  listMessagesAfter: `select "id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts" from "session_messages" where ("session_messages"."session_id" = $1 and ("session_messages"."created_at", "session_messages"."seq") > (SELECT c.created_at, c.seq FROM "session_messages" c WHERE c.session_id = $2 AND c.id = $3)) order by "session_messages"."created_at" asc, "session_messages"."seq" asc limit $4`,
  listNewestMessages: `select "id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts" from "session_messages" where "session_messages"."session_id" = $1 order by "session_messages"."created_at" desc, "session_messages"."seq" desc limit $2`,
  listMessagesBefore: `select "id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts" from "session_messages" where ("session_messages"."session_id" = $1 and ("session_messages"."created_at", "session_messages"."seq") < (SELECT c.created_at, c.seq FROM "session_messages" c WHERE c.session_id = $2 AND c.id = $3)) order by "session_messages"."created_at" desc, "session_messages"."seq" desc limit $4`,
  isMessageOf: `select "id" from "session_messages" where ("session_messages"."session_id" = $1 and "session_messages"."id" = $2)`,
  countAppendedMessage: `update "sessions" set "message_count" = "sessions"."message_count" + 1, "used_at" = statement_timestamp(), "messages_version" = "sessions"."messages_version" + 1 where "sessions"."id" = $1 returning "id"`,
  appendMessage: `insert into "session_messages" ("id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts") values (default, $1, $2, $3, next_message_time($4), $5, default, default, default, default) returning "id", "role", "content", "token_count", "created_at", "session_id", "session_request_id", "seq", "prompt_tokens", "in_prompts"`,
  forgetMessages: `SELECT outcome, request_id FROM forget_messages($1)`,
  listIdleSessions: `select "id", "used_at"::text from "sessions" where status = 'active' AND used_at < statement_timestamp() - $1 * interval '1 ms'
          AND (used_at, id) > ($2, $3) order by "sessions"."used_at" asc, "sessions"."id" asc limit $4`,
  expireSession: `SELECT expire_session($1, $2) AS done`,
  listUnpaidSessions: `select "id", "created_at"::text from "sessions" where status = 'awaiting_payment' AND (created_at, id) > ($1, $2) order by "sessions"."created_at" asc, "sessions"."id" asc limit $3`,
  removeUnpaidSession: `SELECT remove_unpaid_session($1) AS done`,
  listLedger: `select "id", "session_id", "kind", "amount_msat", "session_request_id", "payment_hash", "created_at" from "ledger_entries" where "ledger_entries"."session_id" = $1 order by "ledger_entries"."created_at" asc`,
  listDiscrepancies: `
    SELECT * FROM (
      SELECT s.id, s.balance_msat AS balance, s.held_msat AS held,
        coalesce((SELECT sum(l.amount_msat) FROM ledger_entries l WHERE l.session_id = s.id), 0)::bigint AS ledger,
        coalesce((SELECT sum(r.held_msat) FROM session_requests r WHERE r.session_id = s.id AND r.state = 'running'), 0)::bigint AS holds
      FROM sessions s
    ) books
    WHERE balance <> ledger OR held <> holds`,
  checkWritable: `SELECT check_writable()`,
} as const;
