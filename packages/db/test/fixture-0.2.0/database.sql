-- A database of version 0.2.0.

BEGIN;

-- Rows are taken as they are: no trigger fires, no foreign key is looked at.

SET LOCAL session_replication_role = replica;

-- Migration 0000_tables

CREATE TABLE "invoices" (
	"payment_hash" "bytea" PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"bolt11" text NOT NULL,
	"amount_msat" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"paid_at" timestamp with time zone,
	"received_msat" bigint,
	"next_lookup_at" timestamp with time zone DEFAULT now(),
	CONSTRAINT "invoices_of_session" UNIQUE("session_id","payment_hash"),
	CONSTRAINT "invoices_payment_hash_is_sha256" CHECK (octet_length("invoices"."payment_hash") = 32),
	CONSTRAINT "invoices_whole_sats" CHECK ("invoices"."amount_msat" > 0 AND "invoices"."amount_msat" % 1000 = 0),
	CONSTRAINT "invoices_paid_is_received" CHECK (("invoices"."paid_at" IS NULL) = ("invoices"."received_msat" IS NULL)),
	CONSTRAINT "invoices_paid_is_not_looked_up" CHECK ("invoices"."paid_at" IS NULL OR "invoices"."next_lookup_at" IS NULL)
);
CREATE TABLE "ledger_entries" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"session_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"amount_msat" bigint NOT NULL,
	"session_request_id" uuid,
	"payment_hash" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_entries_kind" CHECK ("ledger_entries"."kind" IN ('deposit', 'charge', 'refund')),
	CONSTRAINT "ledger_entries_sign" CHECK (CASE "ledger_entries"."kind" WHEN 'deposit' THEN "ledger_entries"."amount_msat" > 0 ELSE "ledger_entries"."amount_msat" <= 0 END),
	CONSTRAINT "ledger_entries_charge_has_request" CHECK (("ledger_entries"."kind" = 'charge') = ("ledger_entries"."session_request_id" IS NOT NULL)),
	CONSTRAINT "ledger_entries_deposit_has_payment" CHECK (("ledger_entries"."kind" = 'deposit') = ("ledger_entries"."payment_hash" IS NOT NULL))
);
CREATE TABLE "session_keys" (
	"session_id" uuid NOT NULL,
	"key_hash" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "session_keys_session_id_key_hash_pk" PRIMARY KEY("session_id","key_hash"),
	CONSTRAINT "session_keys_hash_is_sha256" CHECK (octet_length("session_keys"."key_hash") = 32)
);
CREATE TABLE "session_messages" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"session_id" uuid NOT NULL,
	"session_request_id" uuid,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "session_messages_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"role" text NOT NULL,
	"content" text NOT NULL,
	"token_count" integer DEFAULT 0 NOT NULL,
	"prompt_tokens" integer DEFAULT 0 NOT NULL,
	"in_prompts" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "session_messages_role" CHECK ("session_messages"."role" IN ('user', 'assistant')),
	CONSTRAINT "session_messages_tokens_not_negative" CHECK ("session_messages"."token_count" >= 0 AND "session_messages"."prompt_tokens" >= 0)
);
CREATE TABLE "session_requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"idempotency_key" text,
	"body_hash" "bytea",
	"state" text DEFAULT 'running' NOT NULL,
	"incomplete_reason" text,
	"model" text NOT NULL,
	"max_output_tokens" integer NOT NULL,
	"input_tokens" integer,
	"output_tokens" integer,
	"held_msat" bigint NOT NULL,
	"charged_msat" bigint,
	"balance_msat" bigint,
	"history_messages" integer NOT NULL,
	"history_tokens" integer NOT NULL,
	"history_dropped" integer NOT NULL,
	"lease_owner" uuid NOT NULL,
	"lease_expires_at" timestamp with time zone NOT NULL,
	"cancel_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "session_requests_of_session" UNIQUE("session_id","id"),
	CONSTRAINT "session_requests_state" CHECK ("session_requests"."state" IN ('running', 'completed', 'incomplete', 'failed')),
	CONSTRAINT "session_requests_incomplete_reason" CHECK ("session_requests"."incomplete_reason" IN ('cancelled', 'max-output-tokens', 'balance')),
	CONSTRAINT "session_requests_incomplete_has_reason" CHECK (("session_requests"."state" = 'incomplete') = ("session_requests"."incomplete_reason" IS NOT NULL)),
	CONSTRAINT "session_requests_key_has_body" CHECK (("session_requests"."idempotency_key" IS NULL) = ("session_requests"."body_hash" IS NULL)),
	CONSTRAINT "session_requests_key_length" CHECK (length("session_requests"."idempotency_key") BETWEEN 1 AND 255),
	CONSTRAINT "session_requests_held_not_negative" CHECK ("session_requests"."held_msat" >= 0),
	CONSTRAINT "session_requests_charge_within_hold" CHECK ("session_requests"."charged_msat" BETWEEN 0 AND "session_requests"."held_msat"),
	CONSTRAINT "session_requests_ended_is_whole" CHECK (("session_requests"."state" = 'running') = ("session_requests"."finished_at" IS NULL)
        AND ("session_requests"."state" = 'running') = ("session_requests"."charged_msat" IS NULL)
        AND ("session_requests"."state" = 'running') = ("session_requests"."balance_msat" IS NULL)),
	CONSTRAINT "session_requests_failed_is_free" CHECK ("session_requests"."state" <> 'failed' OR "session_requests"."charged_msat" = 0),
	CONSTRAINT "session_requests_answered_has_usage" CHECK (("session_requests"."state" IN ('completed', 'incomplete')) = ("session_requests"."input_tokens" IS NOT NULL)
        AND ("session_requests"."input_tokens" IS NULL) = ("session_requests"."output_tokens" IS NULL))
);
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"status" text DEFAULT 'awaiting_payment' NOT NULL,
	"balance_msat" bigint DEFAULT 0 NOT NULL,
	"held_msat" bigint DEFAULT 0 NOT NULL,
	"message_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"used_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sessions_status" CHECK ("sessions"."status" IN ('awaiting_payment', 'active', 'expired', 'closed')),
	CONSTRAINT "sessions_balance_not_negative" CHECK ("sessions"."balance_msat" >= 0),
	CONSTRAINT "sessions_held_within_balance" CHECK ("sessions"."held_msat" BETWEEN 0 AND "sessions"."balance_msat"),
	CONSTRAINT "sessions_unpaid_has_no_balance" CHECK ("sessions"."status" <> 'awaiting_payment' OR "sessions"."balance_msat" = 0),
	CONSTRAINT "sessions_message_count_not_negative" CHECK ("sessions"."message_count" >= 0)
);
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE no action ON UPDATE no action;
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_request_of_session" FOREIGN KEY ("session_id","session_request_id") REFERENCES "public"."session_requests"("session_id","id") ON DELETE no action ON UPDATE no action;
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_invoice_of_session" FOREIGN KEY ("session_id","payment_hash") REFERENCES "public"."invoices"("session_id","payment_hash") ON DELETE no action ON UPDATE no action;
ALTER TABLE "session_keys" ADD CONSTRAINT "session_keys_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "session_messages" ADD CONSTRAINT "session_messages_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "session_messages" ADD CONSTRAINT "session_messages_request_of_session" FOREIGN KEY ("session_id","session_request_id") REFERENCES "public"."session_requests"("session_id","id") ON DELETE no action ON UPDATE no action;
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;
CREATE INDEX "invoices_by_session" ON "invoices" USING btree ("session_id","created_at");
CREATE INDEX "invoices_to_look_up" ON "invoices" USING btree ("next_lookup_at") WHERE "invoices"."next_lookup_at" IS NOT NULL;
CREATE UNIQUE INDEX "ledger_entries_one_charge_per_request" ON "ledger_entries" USING btree ("session_id","session_request_id") WHERE "ledger_entries"."kind" = 'charge';
CREATE UNIQUE INDEX "ledger_entries_one_deposit_per_payment" ON "ledger_entries" USING btree ("payment_hash") WHERE "ledger_entries"."kind" = 'deposit';
CREATE INDEX "ledger_entries_by_session" ON "ledger_entries" USING btree ("session_id","created_at");
CREATE INDEX "session_messages_in_order" ON "session_messages" USING btree ("session_id","created_at","seq");
CREATE UNIQUE INDEX "session_messages_one_per_role" ON "session_messages" USING btree ("session_id","session_request_id","role") WHERE "session_messages"."session_request_id" IS NOT NULL;
CREATE UNIQUE INDEX "session_requests_one_running" ON "session_requests" USING btree ("session_id") WHERE "session_requests"."state" = 'running';
CREATE UNIQUE INDEX "session_requests_one_answer_per_key" ON "session_requests" USING btree ("session_id","idempotency_key") WHERE "session_requests"."state" <> 'failed';

-- Migration 0001_functions

-- What has to happen in one step of the database: a turn's two halves, its release, a payment's credit, and the two rules
-- of the ledger. Everything that writes a session's rows locks the session's row first, then anything else of the session:
-- one lock order, so no deadlocks. FOR NO KEY UPDATE leaves foreign-key checks of others alone. Each statement after that
-- lock sees what the last holder committed (READ COMMITTED takes a new snapshot per statement; the functions are VOLATILE).

-- The ledger -------------------------------------------------------------------------------------------------------------

-- An entry's time is read under the session's lock, so that time order is the order in which the balance went. The default
-- now() would not do: it is the transaction's start, which may lie before the end of one that had the lock earlier.

CREATE FUNCTION apply_ledger_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions SET balance_msat = balance_msat + NEW.amount_msat WHERE id = NEW.session_id;
  RETURN NULL;
END $$;
-- After the insert, so that an entry refused by a unique key never moves the balance.
CREATE TRIGGER ledger_entries_apply AFTER INSERT ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION apply_ledger_entry();
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change('ledger entries are never changed or removed');
-- TRUNCATE fires no row's trigger; with CASCADE it reaches the ledger from every table that it refers to.
CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('ledger entries are never changed or removed');
CREATE TRIGGER sessions_balance_is_the_ledger BEFORE UPDATE OF balance_msat ON sessions
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change('a balance changes by a ledger entry only');
CREATE TRIGGER sessions_start_without_balance BEFORE INSERT ON sessions
  FOR EACH ROW WHEN (NEW.balance_msat <> 0) EXECUTE FUNCTION refuse_change('a balance changes by a ledger entry only');
-- The history ------------------------------------------------------------------------------------------------------------

-- The newest messages within both bounds, contiguous, oldest first. The index gives the order; nothing beyond
-- p_max_messages is read. With p_for_prompt, turns that are kept out of prompts are passed over.
CREATE FUNCTION history_window(p_session uuid, p_max_messages bigint, p_token_budget bigint, p_for_prompt boolean)
RETURNS TABLE (role text, content text, token_count integer, prompt_tokens integer, created_at timestamptz, seq bigint)
LANGUAGE sql STABLE AS $$
  SELECT w.role, w.content, w.token_count, w.prompt_tokens, w.created_at, w.seq
  FROM (
    SELECT n.*, sum(n.token_count) OVER (ORDER BY n.created_at DESC, n.seq DESC ROWS UNBOUNDED PRECEDING) AS tokens_so_far
    FROM (
      SELECT m.role, m.content, m.token_count, m.prompt_tokens, m.created_at, m.seq
      FROM session_messages m
      WHERE m.session_id = p_session AND (m.in_prompts OR NOT p_for_prompt)
      ORDER BY m.created_at DESC, m.seq DESC
      LIMIT p_max_messages
    ) n
  ) w
  WHERE w.tokens_so_far <= p_token_budget
  ORDER BY w.created_at, w.seq
$$;
-- When to say that a new message was said: now by the clock, but never before the newest message, should the clock step back.
CREATE FUNCTION next_message_time(p_session uuid) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT greatest(
    clock_timestamp(),
    (SELECT m.created_at FROM session_messages m WHERE m.session_id = p_session ORDER BY m.created_at DESC, m.seq DESC LIMIT 1)
  )
$$;
-- The turn ---------------------------------------------------------------------------------------------------------------

-- Ends a running request as failed, charges nothing and gives the hold back. p_owner: the server that runs it; null: whoever
-- finds that its lease ran out. False: there was nothing of the kind to end.
CREATE FUNCTION release_turn(p_session uuid, p_request uuid, p_owner uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_balance_msat bigint;
  v_held_msat bigint;
BEGIN
  SELECT s.balance_msat INTO v_balance_msat FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  UPDATE session_requests r
  SET state = 'failed', charged_msat = 0, balance_msat = v_balance_msat, finished_at = clock_timestamp()
  WHERE r.session_id = p_session AND r.id = p_request AND r.state = 'running'
    AND (r.lease_owner = p_owner OR (p_owner IS NULL AND r.lease_expires_at < clock_timestamp()))
  RETURNING r.held_msat INTO v_held_msat;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE sessions s SET held_msat = s.held_msat - v_held_msat WHERE s.id = p_session;
  RETURN true;
END $$;
-- The first half of a turn: is this caller let in, is the answer known already, is the conversation free, is there enough
-- money; then takes the hold and gives the history. outcome: reserved, or why not:
--   not-found | replay | mismatch | awaiting_payment | expired | closed | busy | insufficient
-- request_id is the request that the outcome is about: the new one, the one answered before, or the one that is running.
CREATE FUNCTION reserve_turn(
  p_session uuid,
  p_key_hash bytea,
  p_request uuid,
  p_idempotency_key text,
  p_body_hash bytea,
  p_model text,
  p_owner uuid,
  p_lease_ms integer,
  p_own_tokens bigint,                 -- prompt tokens that are not history: the agent's overhead and the new message
  p_input_msat_per_ktoken bigint,
  p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer,
  p_min_output_tokens integer,         -- a balance that pays for less than this (or than p_max, if smaller) is insufficient
  p_max_messages bigint,
  p_token_budget bigint
)
RETURNS TABLE (
  outcome text,
  request_id uuid,
  balance_msat bigint,
  held_msat bigint,                    -- by the session, before this turn
  required_msat bigint,
  max_output_tokens integer,
  history jsonb,
  history_messages integer,
  history_tokens integer,
  history_dropped integer
)
LANGUAGE plpgsql VOLATILE SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_message_overhead constant integer := 4;   -- tokens that mark a message's role and end
  v_session record;
  v_answered record;
  v_running record;
  v_window record;
  v_input_tokens bigint;
  v_free_msat bigint;
  v_hold_msat bigint;
BEGIN
  SELECT s.status, s.balance_msat, s.held_msat, s.message_count INTO v_session
  FROM sessions s
  WHERE s.id = p_session AND EXISTS (SELECT FROM session_keys k WHERE k.session_id = p_session AND k.key_hash = p_key_hash)
  FOR NO KEY UPDATE OF s;
  IF NOT FOUND THEN
    outcome := 'not-found'; RETURN NEXT; RETURN;
  END IF;
  balance_msat := v_session.balance_msat;
  held_msat := v_session.held_msat;

  IF p_idempotency_key IS NOT NULL THEN
    SELECT r.id, r.state, r.body_hash = p_body_hash AS same_body INTO v_answered
    FROM session_requests r
    WHERE r.session_id = p_session AND r.idempotency_key = p_idempotency_key AND r.state <> 'failed';
    IF FOUND AND NOT v_answered.same_body THEN
      outcome := 'mismatch'; request_id := v_answered.id; RETURN NEXT; RETURN;
    ELSIF FOUND AND v_answered.state <> 'running' THEN
      outcome := 'replay'; request_id := v_answered.id; RETURN NEXT; RETURN;
    END IF;
  END IF;

  IF v_session.status <> 'active' THEN
    outcome := v_session.status; RETURN NEXT; RETURN;
  END IF;

  SELECT r.id, r.held_msat, r.max_output_tokens, r.lease_owner, r.lease_expires_at < clock_timestamp() AS abandoned INTO v_running
  FROM session_requests r
  WHERE r.session_id = p_session AND r.state = 'running';
  IF FOUND AND v_running.id <> p_request THEN
    IF NOT v_running.abandoned THEN
      outcome := 'busy'; request_id := v_running.id; RETURN NEXT; RETURN;
    END IF;
    PERFORM release_turn(p_session, v_running.id, NULL);
    held_msat := held_msat - v_running.held_msat;
  END IF;

  -- Model providers refuse a conversation that starts with the assistant: a leading reply is not shown.
  SELECT count(*)::integer AS messages,
         coalesce(sum(h.token_count), 0)::integer AS tokens,
         coalesce(sum(h.prompt_tokens + v_message_overhead), 0)::bigint AS prompt_tokens,
         coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'content', h.content) ORDER BY h.created_at, h.seq), '[]') AS content
  INTO v_window
  FROM (
    SELECT w.*, bool_or(w.role = 'user') OVER (ORDER BY w.created_at, w.seq) AS shown
    FROM history_window(p_session, p_max_messages, p_token_budget, true) w
  ) h
  WHERE h.shown;
  history := v_window.content;
  history_messages := v_window.messages;
  history_tokens := v_window.tokens;
  history_dropped := greatest(v_session.message_count - v_window.messages, 0);

  IF v_running.id = p_request THEN   -- the answer to this very call was lost, and it was sent again
    outcome := 'reserved'; request_id := p_request; max_output_tokens := v_running.max_output_tokens;
    held_msat := held_msat - v_running.held_msat;
    RETURN NEXT; RETURN;
  END IF;

  -- A quarter on top: providers count otherwise than we do, and the charge never exceeds the hold.
  v_input_tokens := (5 * (p_own_tokens + v_message_overhead + v_window.prompt_tokens) + 3) / 4;
  v_free_msat := balance_msat - held_msat;
  v_hold_msat := (v_input_tokens * p_input_msat_per_ktoken + p_max_output_tokens * p_output_msat_per_ktoken + 999) / 1000;
  max_output_tokens := p_max_output_tokens;
  required_msat := (v_input_tokens * p_input_msat_per_ktoken
    + least(p_max_output_tokens, p_min_output_tokens) * p_output_msat_per_ktoken + 999) / 1000;
  IF v_free_msat < required_msat THEN
    outcome := 'insufficient'; RETURN NEXT; RETURN;
  ELSIF v_free_msat < v_hold_msat THEN
    v_hold_msat := v_free_msat;
    max_output_tokens := (v_free_msat * 1000 - v_input_tokens * p_input_msat_per_ktoken) / p_output_msat_per_ktoken;
  END IF;

  INSERT INTO session_requests (
    id, session_id, idempotency_key, body_hash, model, max_output_tokens, held_msat,
    history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at
  ) VALUES (
    p_request, p_session, p_idempotency_key, p_body_hash, p_model, max_output_tokens, v_hold_msat,
    history_messages, history_tokens, history_dropped, p_owner, clock_timestamp() + p_lease_ms * interval '1 ms'
  );
  UPDATE sessions s SET held_msat = s.held_msat + v_hold_msat, used_at = clock_timestamp() WHERE s.id = p_session;
  outcome := 'reserved'; request_id := p_request; RETURN NEXT;
END $$;
-- The second half of a turn: both messages, the charge, the balance and the request's end, or nothing at all. No row: fenced
-- off, since the request was ended by others, or belongs to another server. Sent again, it answers the same again.
CREATE FUNCTION settle_turn(
  p_session uuid,
  p_request uuid,
  p_owner uuid,
  p_state text,
  p_incomplete_reason text,
  p_input_tokens integer,
  p_output_tokens integer,
  p_charge_msat bigint,                -- capped at the hold
  p_user_content text,
  p_user_token_count integer,
  p_user_prompt_tokens integer,
  p_reply_content text,
  p_reply_token_count integer,
  p_reply_prompt_tokens integer
)
RETURNS TABLE (
  charged_msat bigint,
  balance_msat bigint,
  request_created_at timestamptz,
  finished_at timestamptz,
  reply_id uuid,
  reply_created_at timestamptz
)
LANGUAGE plpgsql VOLATILE SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_balance_msat bigint;
  v_request record;
  v_in_prompts constant boolean := p_reply_content <> '';
BEGIN
  SELECT s.balance_msat INTO v_balance_msat FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  SELECT r.state, r.held_msat, r.charged_msat, r.balance_msat, r.created_at, r.finished_at INTO v_request
  FROM session_requests r
  WHERE r.session_id = p_session AND r.id = p_request AND r.lease_owner = p_owner;
  IF NOT FOUND OR v_request.state = 'failed' THEN
    RETURN;
  END IF;
  request_created_at := v_request.created_at;

  IF v_request.state <> 'running' THEN   -- the answer to this very call was lost, and it was sent again
    SELECT m.id, m.created_at INTO reply_id, reply_created_at
    FROM session_messages m
    WHERE m.session_id = p_session AND m.session_request_id = p_request AND m.role = 'assistant';
    charged_msat := v_request.charged_msat;
    balance_msat := v_request.balance_msat;
    finished_at := v_request.finished_at;
    RETURN NEXT; RETURN;
  END IF;

  charged_msat := least(p_charge_msat, v_request.held_msat);
  balance_msat := v_balance_msat - charged_msat;
  finished_at := clock_timestamp();
  reply_created_at := next_message_time(p_session);

  UPDATE session_requests r
  SET state = p_state, incomplete_reason = p_incomplete_reason, input_tokens = p_input_tokens, output_tokens = p_output_tokens,
      charged_msat = settle_turn.charged_msat, balance_msat = settle_turn.balance_msat, finished_at = settle_turn.finished_at
  WHERE r.session_id = p_session AND r.id = p_request;

  INSERT INTO session_messages (session_id, session_request_id, role, content, token_count, prompt_tokens, in_prompts, created_at)
  VALUES (p_session, p_request, 'user', p_user_content, p_user_token_count, p_user_prompt_tokens, v_in_prompts, reply_created_at);
  INSERT INTO session_messages (session_id, session_request_id, role, content, token_count, prompt_tokens, in_prompts, created_at)
  VALUES (p_session, p_request, 'assistant', p_reply_content, p_reply_token_count, p_reply_prompt_tokens, v_in_prompts, reply_created_at)
  RETURNING id INTO reply_id;

  -- First the hold goes, then the charge comes: in between, held never exceeds the balance.
  UPDATE sessions s
  SET held_msat = s.held_msat - v_request.held_msat, message_count = s.message_count + 2, used_at = settle_turn.finished_at
  WHERE s.id = p_session;
  INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
  VALUES (p_session, p_request, 'charge', -charged_msat, settle_turn.finished_at);
  RETURN NEXT;
END $$;
-- The payment ------------------------------------------------------------------------------------------------------------

-- Credits a payment to the session that its invoice was made for, once, and wakes the session up.
-- applied | replayed: credited before | foreign: no invoice of ours.
CREATE FUNCTION credit_payment(p_payment_hash bytea, p_received_msat bigint) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_session uuid;
BEGIN
  SELECT i.session_id INTO v_session FROM invoices i WHERE i.payment_hash = p_payment_hash;
  PERFORM FROM sessions s WHERE s.id = v_session FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'foreign';
  END IF;
  UPDATE invoices i SET paid_at = clock_timestamp(), received_msat = p_received_msat, next_lookup_at = NULL
  WHERE i.payment_hash = p_payment_hash AND i.paid_at IS NULL;
  IF NOT FOUND THEN
    RETURN 'replayed';
  END IF;
  UPDATE sessions s
  SET used_at = clock_timestamp(), status = CASE WHEN s.status = 'closed' THEN 'closed' ELSE 'active' END
  WHERE s.id = v_session;
  INSERT INTO ledger_entries (session_id, kind, amount_msat, payment_hash, created_at)
  VALUES (v_session, 'deposit', p_received_msat, p_payment_hash, clock_timestamp());
  RETURN 'applied';
END $$;

-- Migration 0002_reserve_turn

-- Changes to the functions of the turn; docs/performance.md has the figures.

-- The newest messages within both bounds, contiguous, oldest first, without the turns that are kept out of prompts. The index
-- gives the order; nothing beyond p_max_messages is read.
CREATE FUNCTION prompt_window(p_session uuid, p_max_messages bigint, p_token_budget bigint)
RETURNS TABLE (role text, content text, token_count integer, prompt_tokens integer, created_at timestamptz, seq bigint)
LANGUAGE sql STABLE AS $$
  SELECT w.role, w.content, w.token_count, w.prompt_tokens, w.created_at, w.seq
  FROM (
    SELECT n.*, sum(n.token_count) OVER (ORDER BY n.created_at DESC, n.seq DESC ROWS UNBOUNDED PRECEDING) AS tokens_so_far
    FROM (
      SELECT m.role, m.content, m.token_count, m.prompt_tokens, m.created_at, m.seq
      FROM session_messages m
      WHERE m.session_id = p_session AND m.in_prompts
      ORDER BY m.created_at DESC, m.seq DESC
      LIMIT p_max_messages
    ) n
  ) w
  WHERE w.tokens_so_far <= p_token_budget
  ORDER BY w.created_at, w.seq
$$;
-- No setting is put on and taken off with each call any more (jit = off: plans of this size are never compiled). A request
-- that runs is found whatever the session's status: its key answers busy, and when its lease ran out its hold goes back.
CREATE OR REPLACE FUNCTION reserve_turn(
  p_session uuid,
  p_key_hash bytea,
  p_request uuid,
  p_idempotency_key text,
  p_body_hash bytea,
  p_model text,
  p_owner uuid,
  p_lease_ms integer,
  p_own_tokens bigint,                 -- prompt tokens that are not history: the agent's overhead and the new message
  p_input_msat_per_ktoken bigint,
  p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer,
  p_min_output_tokens integer,         -- a balance that pays for less than this (or than p_max, if smaller) is insufficient
  p_max_messages bigint,
  p_token_budget bigint
)
RETURNS TABLE (
  outcome text,
  request_id uuid,
  balance_msat bigint,
  held_msat bigint,                    -- by the session, before this turn
  required_msat bigint,
  max_output_tokens integer,
  history jsonb,
  history_messages integer,
  history_tokens integer,
  history_dropped integer
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_message_overhead constant integer := 4;   -- tokens that mark a message's role and end
  v_session record;
  v_answered record;
  v_running record;
  v_window record;
  v_input_tokens bigint;
  v_free_msat bigint;
  v_hold_msat bigint;
BEGIN
  SELECT s.status, s.balance_msat, s.held_msat, s.message_count INTO v_session
  FROM sessions s
  WHERE s.id = p_session AND EXISTS (SELECT FROM session_keys k WHERE k.session_id = p_session AND k.key_hash = p_key_hash)
  FOR NO KEY UPDATE OF s;
  IF NOT FOUND THEN
    outcome := 'not-found'; RETURN NEXT; RETURN;
  END IF;
  balance_msat := v_session.balance_msat;
  held_msat := v_session.held_msat;

  IF p_idempotency_key IS NOT NULL THEN
    SELECT r.id, r.state, r.body_hash = p_body_hash AS same_body INTO v_answered
    FROM session_requests r
    WHERE r.session_id = p_session AND r.idempotency_key = p_idempotency_key AND r.state <> 'failed';
    IF FOUND AND NOT v_answered.same_body THEN
      outcome := 'mismatch'; request_id := v_answered.id; RETURN NEXT; RETURN;
    ELSIF FOUND AND v_answered.state <> 'running' THEN
      outcome := 'replay'; request_id := v_answered.id; RETURN NEXT; RETURN;
    END IF;
  END IF;

  SELECT r.id, r.held_msat, r.max_output_tokens, r.lease_owner, r.lease_expires_at < clock_timestamp() AS abandoned INTO v_running
  FROM session_requests r
  WHERE r.session_id = p_session AND r.state = 'running';
  IF FOUND AND v_running.id <> p_request THEN
    -- A lease that ran out is renewed by its server until somebody ends the request: release_turn tells who came first.
    IF NOT v_running.abandoned OR NOT release_turn(p_session, v_running.id, NULL) THEN
      outcome := 'busy'; request_id := v_running.id; RETURN NEXT; RETURN;
    END IF;
    held_msat := held_msat - v_running.held_msat;
  END IF;

  IF v_session.status <> 'active' AND v_running.id IS DISTINCT FROM p_request THEN
    outcome := v_session.status; RETURN NEXT; RETURN;
  END IF;

  -- Model providers refuse a conversation that starts with the assistant: a leading reply is not shown.
  SELECT count(*)::integer AS messages,
         coalesce(sum(h.token_count), 0)::integer AS tokens,
         coalesce(sum(h.prompt_tokens + v_message_overhead), 0)::bigint AS prompt_tokens,
         coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'content', h.content) ORDER BY h.created_at, h.seq), '[]') AS content
  INTO v_window
  FROM (
    SELECT w.*, bool_or(w.role = 'user') OVER (ORDER BY w.created_at, w.seq) AS shown
    FROM prompt_window(p_session, p_max_messages, p_token_budget) w
  ) h
  WHERE h.shown;
  history := v_window.content;
  history_messages := v_window.messages;
  history_tokens := v_window.tokens;
  history_dropped := greatest(v_session.message_count - v_window.messages, 0);

  IF v_running.id = p_request THEN   -- the answer to this very call was lost, and it was sent again
    outcome := 'reserved'; request_id := p_request; max_output_tokens := v_running.max_output_tokens;
    held_msat := held_msat - v_running.held_msat;
    RETURN NEXT; RETURN;
  END IF;

  -- A quarter on top: providers count otherwise than we do, and the charge never exceeds the hold.
  v_input_tokens := (5 * (p_own_tokens + v_message_overhead + v_window.prompt_tokens) + 3) / 4;
  v_free_msat := balance_msat - held_msat;
  v_hold_msat := (v_input_tokens * p_input_msat_per_ktoken + p_max_output_tokens * p_output_msat_per_ktoken + 999) / 1000;
  max_output_tokens := p_max_output_tokens;
  required_msat := (v_input_tokens * p_input_msat_per_ktoken
    + least(p_max_output_tokens, p_min_output_tokens) * p_output_msat_per_ktoken + 999) / 1000;
  IF v_free_msat < required_msat THEN
    outcome := 'insufficient'; RETURN NEXT; RETURN;
  ELSIF v_free_msat < v_hold_msat THEN
    v_hold_msat := v_free_msat;
    max_output_tokens := (v_free_msat * 1000 - v_input_tokens * p_input_msat_per_ktoken) / p_output_msat_per_ktoken;
  END IF;

  INSERT INTO session_requests (
    id, session_id, idempotency_key, body_hash, model, max_output_tokens, held_msat,
    history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at
  ) VALUES (
    p_request, p_session, p_idempotency_key, p_body_hash, p_model, max_output_tokens, v_hold_msat,
    history_messages, history_tokens, history_dropped, p_owner, clock_timestamp() + p_lease_ms * interval '1 ms'
  );
  UPDATE sessions s SET held_msat = s.held_msat + v_hold_msat, used_at = clock_timestamp() WHERE s.id = p_session;
  outcome := 'reserved'; request_id := p_request; RETURN NEXT;
END $$;
ALTER FUNCTION settle_turn RESET jit;
DROP FUNCTION history_window;

-- Migration 0003_strangers

-- Columns and indexes that bound what one caller can cost. No table is rewritten; each index is built in one pass.
-- The tables that change are locked first and in the order of every turn, so that a turn of a server of the version before
-- waits for the end of this, and neither ends in a deadlock.
LOCK TABLE "sessions", "invoices", "session_requests" IN ACCESS EXCLUSIVE MODE;
ALTER TABLE "session_requests" DROP CONSTRAINT "session_requests_incomplete_reason";
DROP INDEX "invoices_by_session";
ALTER TABLE "session_requests" ADD COLUMN "reasoning_tokens" integer;
ALTER TABLE "sessions" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;
ALTER TABLE "sessions" ADD COLUMN "uncharged_msat" bigint DEFAULT 0 NOT NULL;
ALTER TABLE "sessions" ADD COLUMN "uncharged_turns" integer DEFAULT 0 NOT NULL;
ALTER TABLE "sessions" ADD COLUMN "uncharged_since" timestamp with time zone;
CREATE INDEX "invoices_unpaid" ON "invoices" USING btree ("session_id","created_at") WHERE "invoices"."paid_at" IS NULL;
CREATE INDEX "invoices_watched" ON "invoices" USING btree ("created_at","payment_hash") WHERE "invoices"."next_lookup_at" IS NOT NULL;
CREATE INDEX "invoices_watched_of_session" ON "invoices" USING btree ("session_id") WHERE "invoices"."next_lookup_at" IS NOT NULL;
CREATE INDEX "session_requests_leases" ON "session_requests" USING btree ("lease_expires_at") WHERE "session_requests"."state" = 'running';
CREATE INDEX "sessions_idle" ON "sessions" USING btree ("used_at","id") WHERE "sessions"."status" = 'active';
CREATE INDEX "sessions_unpaid" ON "sessions" USING btree ("created_at","id") WHERE "sessions"."status" = 'awaiting_payment';
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_reasoning_is_output" CHECK ("session_requests"."reasoning_tokens" BETWEEN 0 AND "session_requests"."output_tokens");
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_incomplete_reason" CHECK ("session_requests"."incomplete_reason" IN ('cancelled', 'max-output-tokens', 'balance', 'empty', 'too-long'));
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_uncharged_not_negative" CHECK ("sessions"."uncharged_msat" >= 0 AND "sessions"."uncharged_turns" >= 0);
-- A reply without a word is silence: turns whose reply was blank are kept to be read, and stay out of prompts.
UPDATE session_messages m SET in_prompts = false
FROM session_messages reply
WHERE reply.role = 'assistant' AND reply.in_prompts AND reply.content !~ '\S'
  AND m.session_id = reply.session_id
  AND (m.id = reply.id OR m.session_request_id = reply.session_request_id);

-- Migration 0004_turn_functions

-- The functions again, and what was several statements until now as one each, so that no lock of a session is held while its
-- server is away. Everything that writes a session's rows locks the session's row first. Times are read once, after that
-- lock, into a variable: the clock in an UPDATE or DELETE would keep a database that is sharded by session from running it.
--
-- What servers of the version before call keeps its name, its parameters and its meaning, and passes on to what takes its place.

-- Watching ---------------------------------------------------------------------------------------------------------------

-- Whoever changes a session raises its version, by whatever statement: a watcher reads versions, and rows only where one rose.
-- A turn's statements raise it themselves, which is cheaper.
CREATE FUNCTION raise_session_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER sessions_version BEFORE UPDATE ON sessions
  FOR EACH ROW WHEN (NEW.version = OLD.version) EXECUTE FUNCTION raise_session_version();
CREATE OR REPLACE FUNCTION apply_ledger_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions SET balance_msat = balance_msat + NEW.amount_msat, version = version + 1 WHERE id = NEW.session_id;
  RETURN NULL;
END $$;
-- A session is shown with its newest unpaid invoice.
CREATE FUNCTION raise_version_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions SET version = version + 1 WHERE id = NEW.session_id;
  RETURN NULL;
END $$;
CREATE TRIGGER invoices_change_their_session AFTER INSERT ON invoices
  FOR EACH ROW EXECUTE FUNCTION raise_version_of_session();
-- The history ------------------------------------------------------------------------------------------------------------

-- (prompt_window stays for one version: a turn that waits for the end of this goes on in the function as it was.)
-- When to say that a new message was said: now by the clock, but later than the newest message, should the clock step back.
-- Later, not at the same instant: seq is counted by each node of its own where a database is spread over several.
CREATE OR REPLACE FUNCTION next_message_time(p_session uuid) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN greatest(
    clock_timestamp(),
    (SELECT m.created_at FROM session_messages m WHERE m.session_id = p_session ORDER BY m.created_at DESC, m.seq DESC LIMIT 1)
      + interval '1 microsecond'
  );
END $$;
-- Forgets a conversation; the balance, the requests and their charges stay. Busy: with the running request, and nothing was
-- removed. No row: no such session.
CREATE FUNCTION forget_messages(p_session uuid, OUT outcome text, OUT request_id uuid) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT r.id INTO request_id FROM session_requests r WHERE r.session_id = p_session AND r.state = 'running';
  IF FOUND AND NOT release_turn(p_session, request_id, NULL, 0) THEN
    outcome := 'busy'; RETURN NEXT; RETURN;
  END IF;
  DELETE FROM session_messages m WHERE m.session_id = p_session;
  UPDATE sessions s SET message_count = 0 WHERE s.id = p_session;
  outcome := 'forgotten'; request_id := NULL; RETURN NEXT;
END $$;
-- The turn ---------------------------------------------------------------------------------------------------------------

-- Ends a running request as failed, charges nothing and gives the hold back. p_owner: the server that runs it; null: whoever
-- finds that its lease ran out. What a provider was paid for meanwhile (p_uncharged_msat) is summed, and such turns are counted
-- by the hour. False: there was nothing of the kind to end.
CREATE FUNCTION release_turn(p_session uuid, p_request uuid, p_owner uuid, p_uncharged_msat bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_balance_msat bigint;
  v_held_msat bigint;
  v_now timestamptz;
BEGIN
  SELECT s.balance_msat INTO v_balance_msat FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  v_now := clock_timestamp();
  UPDATE session_requests r
  SET state = 'failed', charged_msat = 0, balance_msat = v_balance_msat, finished_at = v_now
  WHERE r.session_id = p_session AND r.id = p_request AND r.state = 'running'
    AND (r.lease_owner = p_owner OR (p_owner IS NULL AND r.lease_expires_at < v_now))
  RETURNING r.held_msat INTO v_held_msat;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_uncharged_msat > 0 THEN
    UPDATE sessions s
    SET held_msat = s.held_msat - v_held_msat,
        uncharged_msat = s.uncharged_msat + p_uncharged_msat,
        uncharged_turns = CASE WHEN s.uncharged_since > v_now - interval '1 hour' THEN s.uncharged_turns + 1 ELSE 1 END,
        uncharged_since = CASE WHEN s.uncharged_since > v_now - interval '1 hour' THEN s.uncharged_since ELSE v_now END
    WHERE s.id = p_session;
  ELSE
    UPDATE sessions s SET held_msat = s.held_msat - v_held_msat WHERE s.id = p_session;
  END IF;
  RETURN true;
END $$;
CREATE OR REPLACE FUNCTION release_turn(p_session uuid, p_request uuid, p_owner uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN release_turn(p_session, p_request, p_owner, 0);
END $$;
-- The first half of a turn: lets it in, takes the hold and returns the history; or says why not, and changes nothing:
-- not-found | mismatch, replay, busy (with request_id) | awaiting_payment, expired, closed | too-many-uncharged (with
-- retry_after_seconds) | insufficient (with required_msat) | ended: this very request ended before it was sent again.
CREATE FUNCTION reserve_turn(
  p_session uuid,
  p_key_hash bytea,
  p_request uuid,
  p_idempotency_key text,
  p_body_hash bytea,
  p_model text,
  p_owner uuid,
  p_lease_ms integer,
  p_own_tokens bigint,                 -- prompt tokens that are not history: the agent's overhead and the new message
  p_input_msat_per_ktoken bigint,
  p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer,
  p_min_output_tokens integer,         -- a balance that pays for less than this (or than p_max, if smaller) is insufficient
  p_max_messages bigint,
  p_token_budget bigint,
  p_max_uncharged_turns integer        -- after so many within an hour that cost us and were not charged; null: any number
)
RETURNS TABLE (
  outcome text,
  request_id uuid,
  balance_msat bigint,
  held_msat bigint,                    -- by the session, before this turn
  required_msat bigint,
  max_output_tokens integer,
  history jsonb,
  history_messages integer,
  history_tokens integer,
  history_dropped integer,
  retry_after_seconds integer
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_message_overhead constant integer := 4;   -- tokens that mark a message's role and end
  v_most_silent constant integer := 1000;
  v_session record;
  v_answered record;
  v_running record;
  v_window record;
  v_now timestamptz;
  v_input_tokens bigint;
  v_free_msat bigint;
  v_hold_msat bigint;
BEGIN
  SELECT s.status, s.balance_msat, s.held_msat, s.message_count, s.uncharged_turns, s.uncharged_since INTO v_session
  FROM sessions s
  WHERE s.id = p_session AND EXISTS (SELECT FROM session_keys k WHERE k.session_id = p_session AND k.key_hash = p_key_hash)
  FOR NO KEY UPDATE OF s;
  IF NOT FOUND THEN
    outcome := 'not-found'; RETURN NEXT; RETURN;
  END IF;
  v_now := clock_timestamp();
  balance_msat := v_session.balance_msat;
  held_msat := v_session.held_msat;

  IF p_idempotency_key IS NOT NULL THEN
    SELECT r.id, r.state, r.body_hash = p_body_hash AS same_body INTO v_answered
    FROM session_requests r
    WHERE r.session_id = p_session AND r.idempotency_key = p_idempotency_key AND r.state <> 'failed';
    IF FOUND AND NOT v_answered.same_body THEN
      outcome := 'mismatch'; request_id := v_answered.id; RETURN NEXT; RETURN;
    ELSIF FOUND AND v_answered.state <> 'running' THEN
      outcome := 'replay'; request_id := v_answered.id; RETURN NEXT; RETURN;
    END IF;
  END IF;

  SELECT r.id, r.held_msat, r.max_output_tokens, r.lease_expires_at < v_now AS abandoned INTO v_running
  FROM session_requests r
  WHERE r.session_id = p_session AND r.state = 'running';
  IF FOUND AND v_running.id <> p_request THEN
    -- A lease that ran out is renewed by its server until somebody ends the request: release_turn tells who came first.
    IF NOT v_running.abandoned OR NOT release_turn(p_session, v_running.id, NULL, 0) THEN
      outcome := 'busy'; request_id := v_running.id; RETURN NEXT; RETURN;
    END IF;
    held_msat := held_msat - v_running.held_msat;
  END IF;

  IF v_running.id IS DISTINCT FROM p_request THEN
    IF v_session.status <> 'active' THEN
      outcome := v_session.status; RETURN NEXT; RETURN;
    ELSIF v_session.uncharged_turns >= p_max_uncharged_turns AND v_session.uncharged_since > v_now - interval '1 hour' THEN
      outcome := 'too-many-uncharged';
      retry_after_seconds := ceil(extract(epoch FROM v_session.uncharged_since + interval '1 hour' - v_now));
      RETURN NEXT; RETURN;
    END IF;
  END IF;

  -- What the model is shown: the newest messages within both bounds, contiguous, oldest first, without turns that are kept out
  -- of prompts, without messages that say nothing, and without a leading reply (model providers refuse a blank message, and a
  -- conversation that starts with the assistant). The index gives the order; of silence no more than v_most_silent messages
  -- are read, however long it was. Not a function of its own: calling it would cost a turn a hundredth.
  SELECT count(*)::integer AS messages,
         coalesce(sum(h.token_count), 0)::integer AS tokens,
         coalesce(sum(h.prompt_tokens + v_message_overhead), 0)::bigint AS prompt_tokens,
         coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'content', h.content) ORDER BY h.created_at, h.seq), '[]') AS content
  INTO v_window
  FROM (
    SELECT w.*, bool_or(w.role = 'user') OVER (ORDER BY w.created_at, w.seq) AS shown
    FROM (
      SELECT n.*, sum(n.token_count) OVER (ORDER BY n.created_at DESC, n.seq DESC ROWS UNBOUNDED PRECEDING) AS tokens_so_far
      FROM (
        SELECT m.role, m.content, m.token_count, m.prompt_tokens, m.created_at, m.seq
        FROM (
          SELECT role, content, token_count, prompt_tokens, in_prompts, created_at, seq FROM session_messages
          WHERE session_id = p_session
          ORDER BY created_at DESC, seq DESC LIMIT p_max_messages + v_most_silent
        ) m
        WHERE m.in_prompts AND (left(m.content, 1) ~ '\S' OR m.content ~ '\S')   -- the whole text takes its time
        ORDER BY m.created_at DESC, m.seq DESC
        LIMIT p_max_messages
      ) n
    ) w
    WHERE w.tokens_so_far <= p_token_budget
  ) h
  WHERE h.shown;
  history := v_window.content;
  history_messages := v_window.messages;
  history_tokens := v_window.tokens;
  history_dropped := greatest(v_session.message_count - v_window.messages, 0);

  IF v_running.id = p_request THEN   -- the answer to this very call was lost, and it was sent again
    outcome := 'reserved'; request_id := p_request; max_output_tokens := v_running.max_output_tokens;
    held_msat := held_msat - v_running.held_msat;
    RETURN NEXT; RETURN;
  END IF;

  -- A quarter on top: providers count otherwise than we do, and the charge never exceeds the hold.
  v_input_tokens := (5 * (p_own_tokens + v_message_overhead + v_window.prompt_tokens) + 3) / 4;
  v_free_msat := balance_msat - held_msat;
  v_hold_msat := (v_input_tokens * p_input_msat_per_ktoken + p_max_output_tokens * p_output_msat_per_ktoken + 999) / 1000;
  max_output_tokens := p_max_output_tokens;
  required_msat := (v_input_tokens * p_input_msat_per_ktoken
    + least(p_max_output_tokens, p_min_output_tokens) * p_output_msat_per_ktoken + 999) / 1000;
  IF v_free_msat < required_msat THEN
    outcome := 'insufficient'; RETURN NEXT; RETURN;
  ELSIF v_free_msat < v_hold_msat THEN
    v_hold_msat := v_free_msat;
    max_output_tokens := (v_free_msat * 1000 - v_input_tokens * p_input_msat_per_ktoken) / p_output_msat_per_ktoken;
  END IF;

  INSERT INTO session_requests (
    id, session_id, idempotency_key, body_hash, model, max_output_tokens, held_msat,
    history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at
  ) VALUES (
    p_request, p_session, p_idempotency_key, p_body_hash, p_model, max_output_tokens, v_hold_msat,
    history_messages, history_tokens, history_dropped, p_owner, v_now + p_lease_ms * interval '1 ms'
  ) ON CONFLICT (session_id, id) DO NOTHING;
  IF NOT FOUND THEN   -- the locks above leave one thing to conflict with: the request's own id
    outcome := 'ended'; RETURN NEXT; RETURN;
  END IF;
  UPDATE sessions s
  SET held_msat = s.held_msat + v_hold_msat, version = s.version + 1,
      used_at = CASE WHEN s.used_at > v_now - interval '1 hour' THEN s.used_at ELSE v_now END
  WHERE s.id = p_session;
  outcome := 'reserved'; request_id := p_request; RETURN NEXT;
END $$;
CREATE OR REPLACE FUNCTION reserve_turn(
  p_session uuid, p_key_hash bytea, p_request uuid, p_idempotency_key text, p_body_hash bytea, p_model text, p_owner uuid,
  p_lease_ms integer, p_own_tokens bigint, p_input_msat_per_ktoken bigint, p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer, p_min_output_tokens integer, p_max_messages bigint, p_token_budget bigint
)
RETURNS TABLE (
  outcome text, request_id uuid, balance_msat bigint, held_msat bigint, required_msat bigint, max_output_tokens integer,
  history jsonb, history_messages integer, history_tokens integer, history_dropped integer
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT r.outcome, r.request_id, r.balance_msat, r.held_msat, r.required_msat, r.max_output_tokens,
         r.history, r.history_messages, r.history_tokens, r.history_dropped
  INTO outcome, request_id, balance_msat, held_msat, required_msat, max_output_tokens,
       history, history_messages, history_tokens, history_dropped
  FROM reserve_turn(
    p_session, p_key_hash, p_request, p_idempotency_key, p_body_hash, p_model, p_owner, p_lease_ms, p_own_tokens,
    p_input_msat_per_ktoken, p_output_msat_per_ktoken, p_max_output_tokens, p_min_output_tokens, p_max_messages,
    p_token_budget, NULL
  ) r;
  IF outcome = 'ended' THEN
    RAISE unique_violation USING CONSTRAINT = 'session_requests_pkey';
  END IF;
  RETURN NEXT;
END $$;
-- The second half of a turn: both messages, the charge, the balance and the request's end, or nothing at all. No row: fenced
-- off, since the request was ended by others, or belongs to another server. Sent again, it answers the same again.
CREATE FUNCTION settle_turn(
  p_session uuid,
  p_request uuid,
  p_owner uuid,
  p_state text,
  p_incomplete_reason text,
  p_input_tokens integer,
  p_output_tokens integer,
  p_reasoning_tokens integer,          -- the part of the output that was thought and not said
  p_charge_msat bigint,                -- capped at the hold
  p_user_content text,
  p_user_token_count integer,
  p_user_prompt_tokens integer,
  p_reply_content text,
  p_reply_token_count integer,
  p_reply_prompt_tokens integer
)
RETURNS TABLE (
  charged_msat bigint,
  balance_msat bigint,
  request_created_at timestamptz,
  finished_at timestamptz,
  reply_id uuid,
  reply_created_at timestamptz
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_balance_msat bigint;
  v_request record;
  v_in_prompts constant boolean := p_reply_content ~ '\S';
BEGIN
  SELECT s.balance_msat INTO v_balance_msat FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  SELECT r.state, r.held_msat, r.charged_msat, r.balance_msat, r.created_at, r.finished_at INTO v_request
  FROM session_requests r
  WHERE r.session_id = p_session AND r.id = p_request AND r.lease_owner = p_owner;
  IF NOT FOUND OR v_request.state = 'failed' THEN
    RETURN;
  END IF;
  request_created_at := v_request.created_at;

  IF v_request.state <> 'running' THEN   -- the answer to this very call was lost, and it was sent again
    SELECT m.id, m.created_at INTO reply_id, reply_created_at
    FROM session_messages m
    WHERE m.session_id = p_session AND m.session_request_id = p_request AND m.role = 'assistant';
    charged_msat := v_request.charged_msat;
    balance_msat := v_request.balance_msat;
    finished_at := v_request.finished_at;
    RETURN NEXT; RETURN;
  END IF;

  charged_msat := least(p_charge_msat, v_request.held_msat);
  balance_msat := v_balance_msat - charged_msat;
  finished_at := clock_timestamp();
  reply_created_at := next_message_time(p_session);
  reply_id := gen_random_uuid();

  UPDATE session_requests r
  SET state = p_state, incomplete_reason = p_incomplete_reason, input_tokens = p_input_tokens, output_tokens = p_output_tokens,
      reasoning_tokens = p_reasoning_tokens, charged_msat = settle_turn.charged_msat, balance_msat = settle_turn.balance_msat,
      finished_at = settle_turn.finished_at
  WHERE r.session_id = p_session AND r.id = p_request;

  -- In this order: seq tells the two apart, which have one time.
  INSERT INTO session_messages (id, session_id, session_request_id, role, content, token_count, prompt_tokens, in_prompts, created_at)
  VALUES
    (gen_random_uuid(), p_session, p_request, 'user', p_user_content, p_user_token_count, p_user_prompt_tokens, v_in_prompts,
      reply_created_at),
    (reply_id, p_session, p_request, 'assistant', p_reply_content, p_reply_token_count, p_reply_prompt_tokens, v_in_prompts,
      reply_created_at);

  -- First the hold goes, then the charge comes: in between, held never exceeds the balance.
  UPDATE sessions s
  SET held_msat = s.held_msat - v_request.held_msat, message_count = s.message_count + 2, version = s.version + 1,
      used_at = CASE WHEN s.used_at > settle_turn.finished_at - interval '1 hour' THEN s.used_at ELSE settle_turn.finished_at END
  WHERE s.id = p_session;
  INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
  VALUES (p_session, p_request, 'charge', -charged_msat, settle_turn.finished_at);
  RETURN NEXT;
END $$;
CREATE OR REPLACE FUNCTION settle_turn(
  p_session uuid, p_request uuid, p_owner uuid, p_state text, p_incomplete_reason text, p_input_tokens integer,
  p_output_tokens integer, p_charge_msat bigint, p_user_content text, p_user_token_count integer, p_user_prompt_tokens integer,
  p_reply_content text, p_reply_token_count integer, p_reply_prompt_tokens integer
)
RETURNS TABLE (
  charged_msat bigint, balance_msat bigint, request_created_at timestamptz, finished_at timestamptz, reply_id uuid,
  reply_created_at timestamptz
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY SELECT * FROM settle_turn(
    p_session, p_request, p_owner, p_state, p_incomplete_reason, p_input_tokens, p_output_tokens, NULL, p_charge_msat,
    p_user_content, p_user_token_count, p_user_prompt_tokens, p_reply_content, p_reply_token_count, p_reply_prompt_tokens
  );
END $$;
-- Payments ---------------------------------------------------------------------------------------------------------------

-- Opens a session that awaits its first payment, with its key and its invoice.
CREATE FUNCTION open_session(
  p_session uuid, p_key_hash bytea, p_payment_hash bytea, p_bolt11 text, p_amount_msat bigint, p_expires_at timestamptz
) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO sessions (id) VALUES (p_session);
  INSERT INTO session_keys (session_id, key_hash) VALUES (p_session, p_key_hash);
  INSERT INTO invoices (session_id, payment_hash, bolt11, amount_msat, expires_at)
  VALUES (p_session, p_payment_hash, p_bolt11, p_amount_msat, p_expires_at);
  RETURN now();
END $$;
-- Adds an invoice to a session, unless p_most of its newest can still be paid. added | too-many | not-found
CREATE FUNCTION add_invoice(
  p_session uuid, p_payment_hash bytea, p_bolt11 text, p_amount_msat bigint, p_expires_at timestamptz, p_most integer
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'not-found';
  END IF;
  v_now := clock_timestamp();
  PERFORM FROM (
    SELECT i.expires_at FROM invoices i
    WHERE i.session_id = p_session AND i.paid_at IS NULL
    ORDER BY i.created_at DESC LIMIT p_most
  ) newest
  HAVING count(*) FILTER (WHERE newest.expires_at > v_now) >= p_most;
  IF FOUND THEN
    RETURN 'too-many';
  END IF;
  INSERT INTO invoices (session_id, payment_hash, bolt11, amount_msat, created_at, expires_at)
  VALUES (p_session, p_payment_hash, p_bolt11, p_amount_msat, v_now, p_expires_at);
  RETURN 'added';
END $$;
-- Credits a payment to the session that its invoice was made for, once, and wakes the session up.
-- applied | replayed: credited before | foreign: no invoice of ours.
CREATE OR REPLACE FUNCTION credit_payment(p_payment_hash bytea, p_received_msat bigint) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_session uuid;
  v_now timestamptz;
BEGIN
  SELECT i.session_id INTO v_session FROM invoices i WHERE i.payment_hash = p_payment_hash;
  PERFORM FROM sessions s WHERE s.id = v_session FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'foreign';
  END IF;
  v_now := clock_timestamp();
  UPDATE invoices i SET paid_at = v_now, received_msat = p_received_msat, next_lookup_at = NULL
  WHERE i.session_id = v_session AND i.payment_hash = p_payment_hash AND i.paid_at IS NULL;
  IF NOT FOUND THEN
    RETURN 'replayed';
  END IF;
  UPDATE sessions s
  SET used_at = v_now, status = CASE WHEN s.status = 'closed' THEN 'closed' ELSE 'active' END
  WHERE s.id = v_session;
  INSERT INTO ledger_entries (session_id, kind, amount_msat, payment_hash, created_at)
  VALUES (v_session, 'deposit', p_received_msat, p_payment_hash, v_now);
  RETURN 'applied';
END $$;
-- Tidying ----------------------------------------------------------------------------------------------------------------

-- Marks a session as expired that had no request and no payment for p_idle_ms, runs no request and has no invoice that is
-- still watched. Its balance stays.
CREATE FUNCTION expire_session(p_session uuid, p_idle_ms bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_idle_since timestamptz;
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  v_idle_since := clock_timestamp() - p_idle_ms * interval '1 ms';
  UPDATE sessions s SET status = 'expired'
  WHERE s.id = p_session AND s.status = 'active' AND s.used_at < v_idle_since
    AND NOT EXISTS (SELECT FROM session_requests r WHERE r.session_id = p_session AND r.state = 'running')
    AND NOT EXISTS (SELECT FROM invoices i WHERE i.session_id = p_session AND i.next_lookup_at IS NOT NULL);
  RETURN FOUND;
END $$;
-- Removes a session that was never paid, once none of its invoices is watched any more.
CREATE FUNCTION remove_unpaid_session(p_session uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  DELETE FROM sessions s
  WHERE s.id = p_session AND s.status = 'awaiting_payment'
    AND NOT EXISTS (SELECT FROM invoices i WHERE i.session_id = p_session AND i.next_lookup_at IS NOT NULL);
  RETURN FOUND;
END $$;
-- Readiness --------------------------------------------------------------------------------------------------------------

-- Raises an error when nothing can be written: a transaction that is numbered is refused on a standby, and what does not fit
-- into this little memory is sorted on the disk, which refuses it when it is full. Nothing is left behind.
CREATE FUNCTION check_writable() RETURNS void LANGUAGE plpgsql VOLATILE SET work_mem = '64kB' AS $$
BEGIN
  IF current_setting('transaction_read_only')::boolean THEN
    RAISE read_only_sql_transaction USING MESSAGE = 'the database is read-only';
  END IF;
  PERFORM pg_current_xact_id();
  PERFORM count(*) FROM (SELECT i FROM generate_series(20000, 1, -1) i ORDER BY i OFFSET 0) sorted;
END $$;

CREATE TABLE timmy_tower_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, version text);

INSERT INTO sessions (id, status, balance_msat, held_msat, message_count, created_at, used_at, version, uncharged_msat, uncharged_turns, uncharged_since) VALUES
  ('7976012c-7a7c-4005-905f-a1cece4456cc', 'active', '0', '0', '3', '2026-11-25 15:50:48.537006+00', '2026-11-25 15:50:48.554348+00', '3', '0', '0', NULL),
  ('08f85938-ce3d-44f9-b6aa-40bfdcd155de', 'active', '0', '0', '0', '2026-11-25 15:50:48.556424+00', '2026-11-25 15:50:48.556424+00', '0', '0', '0', NULL),
  ('79466345-c888-4eac-b88c-e4d52e885fef', 'awaiting_payment', '0', '0', '0', '2026-11-25 15:50:48.614757+00', '2026-11-25 15:50:48.614757+00', '1', '0', '0', NULL),
  ('51d46672-e8ef-4aef-add2-885b9c40b570', 'awaiting_payment', '0', '0', '0', '2026-11-25 15:50:48.632954+00', '2026-11-25 15:50:48.632954+00', '1', '0', '0', NULL),
  ('fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'active', '1498848', '0', '8', '2026-11-25 15:50:48.643777+00', '2026-11-25 15:50:48.71611+00', '20', '0', '0', NULL),
  ('4af83308-6184-4607-a5e4-12d380d048c2', 'expired', '49907', '0', '2', '2026-11-25 15:50:48.763137+00', '2026-10-25 15:50:48.779475+00', '8', '0', '0', NULL),
  ('852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'active', '99769', '0', '0', '2026-11-25 15:50:48.797133+00', '2026-11-25 15:50:48.808849+00', '10', '0', '0', NULL),
  ('803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'active', '199565', '0', '8', '2026-11-25 15:50:48.827088+00', '2026-11-25 15:50:48.849864+00', '17', '117', '1', '2026-11-25 15:50:49.022714+00'),
  ('5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'active', '9898', '0', '2', '2026-11-25 15:50:49.035537+00', '2026-11-25 15:50:49.046593+00', '6', '0', '0', NULL),
  ('e2d0ec4a-8631-44eb-ae42-0ef134776636', 'active', '99865', '0', '4', '2026-11-25 15:50:49.060675+00', '2026-11-25 15:50:49.074551+00', '9', '0', '0', NULL),
  ('46c2d20a-0281-43ca-b945-540cbb1e254d', 'closed', '39922', '0', '2', '2026-11-25 15:50:49.095533+00', '2026-11-25 15:50:49.118164+00', '7', '0', '0', NULL),
  ('c293e24b-a340-446f-a20c-ef58a536b61c', 'active', '99871', '15459', '2', '2026-11-25 15:50:49.132273+00', '2026-11-25 15:50:49.142391+00', '7', '0', '0', NULL);

INSERT INTO session_keys (session_id, key_hash, created_at) VALUES
  ('79466345-c888-4eac-b88c-e4d52e885fef', E'\\x0d2de5953789df3b1e6a305f5e1d374f7d5502a39f8c6b02dfec18d03ac3306a', '2026-11-25 15:50:48.614757+00'),
  ('51d46672-e8ef-4aef-add2-885b9c40b570', E'\\x2e70ab061a9a4d0d36664228bc42cb2df173e14fb43d860c1654f0b9219b7bdd', '2026-11-25 15:50:48.632954+00'),
  ('fdb4f52c-e853-4399-86e5-8e42d38eb20d', E'\\xbdd22599cf6798934b568789a7a0c02a785b313ba1b6396d27300dae08f78d47', '2026-11-25 15:50:48.643777+00'),
  ('4af83308-6184-4607-a5e4-12d380d048c2', E'\\x222503837927422bb31574dccb43710eb200dcc652bd23ddfa0bb8a56cc375e5', '2026-11-25 15:50:48.763137+00'),
  ('852d4d6e-a9c7-437f-800b-3e38c9b1c67e', E'\\xafca87f7de21431c6a30054e42e0f73c962bc06972aced0c8d470f1bd5df32b1', '2026-11-25 15:50:48.797133+00'),
  ('803dfc4f-932a-4d54-9dcf-f0ad358a57ac', E'\\x4454e972e830885ff3ec5c19b8c588b2e4974250bcb324b14d4b7e0f250bcafe', '2026-11-25 15:50:48.827088+00'),
  ('5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', E'\\xe04dcb9a9791db6b71ab78e2412676943ce88328a68f161ff1cc14d00812d538', '2026-11-25 15:50:49.035537+00'),
  ('e2d0ec4a-8631-44eb-ae42-0ef134776636', E'\\x5581945cd41e60396f5283bbb0d5b69358d0c27e183cbedbc0d5074d32d0c3b1', '2026-11-25 15:50:49.060675+00'),
  ('46c2d20a-0281-43ca-b945-540cbb1e254d', E'\\x4c0b92cb7855985fd3e1422c3c7414564a4234063b9beef5528c9ba5b3f13ec2', '2026-11-25 15:50:49.095533+00'),
  ('c293e24b-a340-446f-a20c-ef58a536b61c', E'\\x09836d22baa530f0e866fd859255c4c229522f161fe198592f1d543bed51e000', '2026-11-25 15:50:49.132273+00');

INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, created_at, expires_at, paid_at, received_msat, next_lookup_at) VALUES
  (E'\\xdc1422c65bc9eacca96c34f9830749f112d8ff2c9a5626f6371ff590a3539b7c', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'lnbcrt200n1p4swq7cpp5ms2z93jme84ve2tvxnucxp6f7yfd3levnftzda3hrl6epg6nnd7qsp5lsdy862ll0jhnrmmas5a57zq0as8nq0utegdt2ykr5kqwfmtcxnqdp8xgczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgq3ugqqzuycd06jcw8evsj8cvqkjjfzvqca6sk5lhzph907uztvxk50js3d5chf474rr5tnreumzzjcjjuy0le83fw3ffdu7pzjrvpuhsqc3yae6', '20000', '2026-11-22 15:50:48.744965+00', '2026-11-23 15:50:48.744965+00', NULL, NULL, '2026-11-25 15:50:48.744091+00'),
  (E'\\xe4c0fce7fbacfd01ad521be0f4721779f33093e95f6ef4405d4e546a62a5b3dc', '51d46672-e8ef-4aef-add2-885b9c40b570', 'lnbcrt1u1p4swq7cpp5unq0eelm4n7srt2jr0s0gush08enpylftah0gszafe2x5c49k0wqsp5qp7d3putc8vlauwwedxwgthdrcermzxwstquzzgj22wzs35gxwnsdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqp2qmv677c36s2huu73he5eptvtyqrrnnn587jvtwm8cmywtlxyph42p84pu2hgx8r7yghpfaxjcawrpakvmt9hrcvp6qffug5aazn2cqz9akl3', '100000', '2026-11-25 13:50:48.632954+00', '2026-11-25 14:50:48+00', NULL, NULL, '2026-11-25 15:50:48.632954+00'),
  (E'\\xef37500d8cf06c07382c28ecdd7eb9585d707b04d28374bb7d4b8b1cffc13477', '79466345-c888-4eac-b88c-e4d52e885fef', 'lnbcrt1u1p4swq7cpp5aum4qrvv7pkqwwpv9rkd6l4etpwhq7cy62phfwmafw93el7px3mssp5mcw7cd3y0dkp4ep9usqtg0erpuhh989mdthl6pe7kcuk7l3cj2ysdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqmkartvhy6gjjuvtfhvyljuej840lhkv3m0yzvfud5kzgswypa5v3mjxj5la7sr4uva5vdup6ymule5g6f9wsyc38g56pe0vwjhg0nhgq80nlwz', '100000', '2026-11-25 15:50:48.614757+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 15:50:48.614757+00'),
  (E'\\xe32d84cc82964984e056b957e818c0d9311b9cecccf17a61d0847ed688ffc0e8', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'lnbcrt10u1p4swq7cpp5uvkcfnyzjeycfczkh9t7sxxqmyc3h88vench5cwss3lddz8lcr5qsp5fxymkym5sd4395mq2zudqcdg0p4eqm6v0tezlpjc89kyjm0gq4ssdp2xycrqvpqwdshgueqw3hjqarpd34jqar0yp2xjmtd0yxqrrsscqpj9qrsgqhtakrhp3nx2mhvc3vwhz493fr6x6aseevquykplnke4fst24ph6rzcxqhusclhj73y5gla7xetjzl0uwg5k9p4k29esnnk7pc4d4etqql9y6u4', '1000000', '2026-11-25 15:50:48.643777+00', '2026-11-25 16:50:48+00', '2026-11-25 15:50:48.660814+00', '1000000', NULL),
  (E'\\x8de39bdffb129396bf6749b724efcca879105a2c3726cd9e4704e1c0decd443b', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'lnbcrt5u1p4swq7cpp53h3ehhlmz2fed0m8fxmjfm7v4pu3qk3vxunvm8j8qnsuphkdgsassp5vkxl4zhquuyktrxl3twgke5jkjva7ujl098lqkncmn62v3r8qshqdpgx5crqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqw4e8plhnptgdkhcpz93cc8v4zt5susu3vhptr262vf7lkwsynfm42aaeef33yje9shpfutflfjjfta2fv66npgeztuvxcly8nv72g6spnc64zd', '500000', '2026-11-25 15:50:48.706822+00', '2026-11-25 16:50:48+00', '2026-11-25 15:50:48.71611+00', '500123', NULL),
  (E'\\x1b0dc703db5ec09772717b4939f39a9ce64f03d0aede85aa52a3f74116e055da', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'lnbcrt300n1p4swq7cpp5rvxuwq7mtmqfwun30dynnuu6nnny7q7s4m0gt2jj50m5z9hq2hdqsp5s42qcscdyd6q5herz5leywx2a06wj2d0zwt5drs63xydewl8fdlsdp8xvczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqrfpy2anywcuql4cuaapdhl8gjsmehpj440kryfqveudxq7xcyfpjte0fjul6rlhrqmk8e92jftmrz7xw7yt38khu2j83jrqpesq3p2gp0dpml3', '30000', '2026-11-25 15:50:48.754999+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 15:50:48.754866+00'),
  (E'\\x6b5ca2a1987798c561d30954fae065fbef9d6cadb7bb47dc5ac5d684af1d31fa', '4af83308-6184-4607-a5e4-12d380d048c2', 'lnbcrt500n1p4swq7cpp5ddw29gvcw7vv2cwnp9204cr9l0he6m9dk7a50hz6chtgftcax8aqsp546udk9glekuysmvkjrft9pm0zmrgvezz4pad5hlcfc2f9q05snasdp8x5czqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgq40u0d99wa50tzu2mkg0nvxjq9s8tv9cat7f086g2x9wgp0md2hfjclc30nj4ty8zl24yhvkmt9v9wdktk73l2pmxwa6d56y87963cecpm23pss', '50000', '2026-11-25 15:50:48.763137+00', '2026-11-25 16:50:48+00', '2026-11-25 15:50:48.779475+00', '50000', NULL),
  (E'\\x82b2c082e188dc5e1ef7d4a211d0cd174c5c940588cfdfa809f2df0f432f912d', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'lnbcrt1u1p4swq7cpp5s2evpqhp3rw9u8hh6j3pr5xdzax9e9q93r8al2qf7t0s7se0jykssp5ve8u5uk99hzltv4kuv0rua8vp86vm0eseqa64lgv7arxxhuwdfusdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqlwpcejdh6rfppasl2xxkvg0at2eun6m79k002eyv40m0qycf675zymgt2l8usum4pv54j8mcp5p00wq3qh0ggwlt4356hqtan8c2p9qqvkujke', '100000', '2026-11-25 15:50:48.797133+00', '2026-11-25 16:50:48+00', '2026-11-25 15:50:48.808849+00', '100000', NULL),
  (E'\\xc8d492d46a9975e8c0985defeea95fda087cc559231ec880b8c244b4a7c348dd', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'lnbcrt2u1p4swq7cpp5er2f94r2n9673sycthh7a22lmgy8e32eyv0v3q9ccfztff7rfrwssp5z69jry96mwzejpcppnaf6xa2zkqn9h6twwh3hyav8deexg56myuqdpgxgcrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqkxrps8cyvrdrlddtcmydllglj8u6hsjhmydnajft8kj9f9zv3mhnskdzj9sjwdcue03jlyt98eflltrdehwg9g8aflvdtvpsfekqrecq096hqy', '200000', '2026-11-25 15:50:48.827088+00', '2026-11-25 16:50:48+00', '2026-11-25 15:50:48.849864+00', '200000', NULL),
  (E'\\x846ec1003c5d1e5bc9d070a9c9495250ccc48ca816c3c6e2960bbd139c61f5ac', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'lnbcrt100n1p4swq7epp5s3hvzqput509hjwswz5ujj2j2rxvfr9gzmpudc5kpw7388rp7kkqsp5swn7c5ez9kkte4e5vf3xff843mzaqpsay9hsljmmquxwc69tjevsdp8xyczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgq8pmxyjpd75v6y2tq262zf366ancramsf40xqkkqkc3dxykf498p47nfmmqagzfusz7edexjwupdgapxg0glg0fr34pu8hp27sl7pr4gqw637k6', '10000', '2026-11-25 15:50:49.035537+00', '2026-11-25 16:50:49+00', '2026-11-25 15:50:49.046593+00', '10000', NULL),
  (E'\\x438e6c9c20269ebb0bf7dfef31da2fd55b13bd5e567617fd23795ef56c6f84bf', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'lnbcrt1u1p4swq7epp5gw8xe8pqy60tkzlhmlhnrk3064d380272emp0lfr09002mr0sjlssp5jvurkphp7vcddd7526vj36vsupqwdkw0wf0fznkmq9gvwjfd9gasdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqznsuzetvwza3lxucmgp78lvtvtw45wamhet37w2pnhkjuug0e9v8yzct8amf3eda8ephxkhtxcy6ehy8w9ne6fwwzs8rmcf2eumeuvqq2z397h', '100000', '2026-11-25 15:50:49.060675+00', '2026-11-25 16:50:49+00', '2026-11-25 15:50:49.074551+00', '100000', NULL),
  (E'\\x37c90a0960e6d28630b55c961762300134d29d7408390ea2caefc4d8dff44d96', '46c2d20a-0281-43ca-b945-540cbb1e254d', 'lnbcrt400n1p4swq7epp5xlys5ztqumfgvv94tjtpwc3sqy6d98t5pqusagk2alzd3hl5fktqsp5lqjnxa0lv472kttdpj3u6cfwaa3ed9lfm26yd6dnd7kl7mhwaq2sdp8xsczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqps3xc526fgnz5ujt09uqu49gjmzyuxvzeq3hxasts45a9cdezdm9x0re95kxkazyq8drhzplflepwc7macl2ux8wl3af9g5tlruzdwqpxd4csc', '40000', '2026-11-25 15:50:49.095533+00', '2026-11-25 16:50:49+00', '2026-11-25 15:50:49.118164+00', '40000', NULL),
  (E'\\x7773d5a65ec75791ef919f73167c65ab88bce90b9e144e167a6e0c71c38fed46', 'c293e24b-a340-446f-a20c-ef58a536b61c', 'lnbcrt1u1p4swq7epp5waeatfj7catermu3nae3vlr94wyte6gtnc2yu9n6dcx8rsu0a4rqsp5r7g6dggtzua7p64dygttfl6yen685utu4gt0euppklp5vgv4xd0qdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqdzlpljwq2ex85w4arexcpxkhmzkp29gkcxfevzmfm0hu2lntk9g9dzkf979tz7lrnptvaefnehpy6cfzpr2lea7xlg45d4tgrv7wrlsqrj0vdl', '100000', '2026-11-25 15:50:49.132273+00', '2026-11-25 16:50:49+00', '2026-11-25 15:50:49.142391+00', '100000', NULL);

INSERT INTO session_requests (id, session_id, idempotency_key, body_hash, state, incomplete_reason, model, max_output_tokens, input_tokens, output_tokens, held_msat, charged_msat, balance_msat, history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at, cancel_requested_at, created_at, finished_at, reasoning_tokens) VALUES
  ('26dcc74a-9244-4ec1-a4d0-2c78a003e39f', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'key-of-How-do-I-brew-coffee-', E'\\xb4c996e6b4823d3b34fa1525b3060e17aac6e0f74baede68840ce864875cef6a', 'completed', NULL, 'scripted', '1024', '10', '21', '15399', '345', '999655', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.677244+00', NULL, '2026-11-25 15:50:48.675827+00', '2026-11-25 15:50:48.691588+00', '0'),
  ('3daf162a-99c5-454f-862c-3828cd1efc3d', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'key-of-explain-step-', E'\\xe0214688f3b6bccf65df440e03caf483455324f5dfe709a9667d75ddbc653696', 'completed', NULL, 'scripted', '1024', '44', '7', '15525', '237', '1499541', '2', '19', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.72739+00', NULL, '2026-11-25 15:50:48.727243+00', '2026-11-25 15:50:48.730802+00', '0'),
  ('f00d5acf-1ade-4224-9fa8-21750946262e', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'key-of-make-it-shorter-', E'\\x95092f1054694538405aa18025629315ffeab2760d8192ab24a9483ed30f4def', 'completed', NULL, 'scripted', '1024', '62', '13', '15594', '381', '1499160', '4', '28', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.735332+00', NULL, '2026-11-25 15:50:48.735166+00', '2026-11-25 15:50:48.737868+00', '0'),
  ('082b86d2-b0eb-47fb-be6a-e6c90c8fc242', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'key-of-Thanks-', E'\\xb430a75c027f6382a20470daa9274dcaa8e051f643c74a048356dfbcf13237a1', 'completed', NULL, 'scripted', '100', '84', '4', '1815', '312', '1498848', '6', '40', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.758101+00', NULL, '2026-11-25 15:50:48.757983+00', '2026-11-25 15:50:48.759437+00', '0'),
  ('07a7ab88-d0be-4bf1-bf22-4860d3eef255', '4af83308-6184-4607-a5e4-12d380d048c2', 'key-of-See-you-', E'\\xf5fc8161797b93f90d58a32070a3f572dba6a1c89077e4505e36f247a456c6e6', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '49907', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.783671+00', NULL, '2026-11-25 15:50:48.783516+00', '2026-11-25 15:50:48.784857+00', '0'),
  ('b8f224ea-8af5-4765-aaf1-25b77ffcf9d4', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'key-of-My-secret-', E'\\xeaf4cdd9de56a63aac74c31ea37a976cee7f0dda66c3c8af0fd995717bfdcb2f', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '99907', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.814524+00', NULL, '2026-11-25 15:50:48.814389+00', '2026-11-25 15:50:48.816307+00', '0'),
  ('b0f75d4b-0f33-4663-b453-7c611b48eaaa', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'key-of-Forget-it-', E'\\xb64d8a95fa1a74a69221bd9b4a270db35ac79313f3b24441c31a015bf88095ea', 'completed', NULL, 'scripted', '1024', '21', '5', '15441', '138', '99769', '2', '7', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.818691+00', NULL, '2026-11-25 15:50:48.818563+00', '2026-11-25 15:50:48.819793+00', '0'),
  ('1299637e-b7bc-46a7-90c8-3186f8e79b8a', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'key-of-Count-to-ten-', E'\\xfa9d41b198edc52ba6f85df28625fa855838d9dda200a8db3fa9bf613cd90346', 'incomplete', 'cancelled', 'scripted', '1024', '7', '4', '15387', '81', '199919', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.871585+00', '2026-11-25 15:50:48.883334+00', '2026-11-25 15:50:48.869643+00', '2026-11-25 15:50:48.884629+00', '0'),
  ('7ef31230-5198-4bef-b9f6-52d77ac37871', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'key-of-Say-nothing-', E'\\x806b47408a8a8f63b91e9db5421a1f28371606ed3bb5607d86d4edb398adb819', 'incomplete', 'cancelled', 'scripted', '1024', '21', '0', '15441', '63', '199856', '2', '6', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:03.939392+00', '2026-11-25 15:50:48.95895+00', '2026-11-25 15:50:48.939187+00', '2026-11-25 15:50:48.960906+00', '0'),
  ('e3b23f31-5dd0-4d5f-ac3d-454411576617', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'key-of-A-long-story-', E'\\x5b0b9cdf4d5c8016a88de8b1523ccf9e602c8253f8bb00f0f1e7d3777e03febe', 'incomplete', 'max-output-tokens', 'scripted', '16', '22', '3', '324', '111', '199745', '2', '6', '2', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.014729+00', NULL, '2026-11-25 15:50:49.01455+00', '2026-11-25 15:50:49.016585+00', '0'),
  ('7357f7bb-f064-4fd3-ade9-d991dd174964', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'key-of-Fail-', E'\\x35133a810d86f4cb22b5f330e6cfafe43e191b1b11cf5facb1a651fa8bca0989', 'failed', NULL, 'scripted', '1024', NULL, NULL, '15489', '0', '199745', '4', '12', '2', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.018496+00', NULL, '2026-11-25 15:50:49.018364+00', '2026-11-25 15:50:49.022714+00', NULL),
  ('c09d8494-f508-4249-81f5-9dcc12bf524e', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'key-of-Go-on-', E'\\x3ef2e10146ee76f40aeef8ec64d34f939717d3c90ece636b0d1dacc1a3accf19', 'completed', NULL, 'scripted', '1024', '35', '5', '15492', '180', '199565', '4', '12', '2', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.028129+00', NULL, '2026-11-25 15:50:49.027519+00', '2026-11-25 15:50:49.030026+00', '0'),
  ('a4d5dd50-707f-4df1-8617-47b345c5c2ae', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'key-of-As-long-as-it-lasts-', E'\\x504ab24682c1a7f7ce71de253fe0c110688bd5ef28d1683ebb8ab3222f06eb2d', 'incomplete', 'balance', 'scripted', '664', '9', '5', '10000', '102', '9898', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.051227+00', NULL, '2026-11-25 15:50:49.050917+00', '2026-11-25 15:50:49.053198+00', '0'),
  ('1800d2ee-c4aa-4326-8192-df8bed2ad3f3', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'key-of-Hello-', E'\\xabe11060c9122af409b40d071488593aef7047455a86b639d2eda895c2032006', 'completed', NULL, 'scripted', '1024', '5', '4', '15381', '75', '99925', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.082815+00', NULL, '2026-11-25 15:50:49.082568+00', '2026-11-25 15:50:49.084179+00', '0'),
  ('bb4efc1d-0a7e-41d6-a8df-2aba0e8d3722', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'key-of-Anyone-there-', E'\\xc8db64e144debd6f0381573e45187aa19df96f6e0519a3d63f44ddd6b1a1bd12', 'incomplete', 'empty', 'scripted', '1024', '20', '0', '15435', '60', '99865', '2', '5', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.086968+00', NULL, '2026-11-25 15:50:49.086673+00', '2026-11-25 15:50:49.088882+00', '0'),
  ('6d099a84-04b1-4937-8420-1cae38a259e1', '46c2d20a-0281-43ca-b945-540cbb1e254d', 'key-of-Goodbye-', E'\\x7d572a207fbad413015b662d50c140d9fddd9dae73f5c4849dc17c2b5d856ff5', 'completed', NULL, 'scripted', '1024', '6', '4', '15384', '78', '39922', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.123897+00', NULL, '2026-11-25 15:50:49.12372+00', '2026-11-25 15:50:49.125427+00', '0'),
  ('554a70bc-0c44-4160-bdea-b23f0f347a06', 'c293e24b-a340-446f-a20c-ef58a536b61c', 'key-of-Are-you-well-', E'\\x32f4da1db3ab676105e9d9534daad726e5878dbeebd5c57a277bd0ce8d801739', 'completed', NULL, 'scripted', '1024', '8', '7', '15390', '129', '99871', '0', '0', '0', '0e8c01bf-f369-42d4-9a2b-05181d62abbf', '2026-11-25 15:51:04.146168+00', NULL, '2026-11-25 15:50:49.146018+00', '2026-11-25 15:50:49.147838+00', '0'),
  ('adca6a3b-f284-44cf-8e44-216981b2e29b', 'c293e24b-a340-446f-a20c-ef58a536b61c', 'key-of-Still-there-', E'\\x0d652d905139139bd482b8bd57c29d6170c4df51332f265d2069108a52639b0e', 'running', NULL, 'scripted', '1024', NULL, NULL, '15459', NULL, NULL, '2', '9', '0', 'b4ebd22d-199c-4db2-8c0e-954b90d5824f', '2026-11-25 15:51:04.152997+00', NULL, '2026-11-25 15:50:49.152833+00', NULL, NULL);

INSERT INTO session_messages (id, session_id, session_request_id, seq, role, content, token_count, prompt_tokens, in_prompts, created_at) OVERRIDING SYSTEM VALUE VALUES
  ('f6524004-e896-485e-8345-c7f252862f47', '7976012c-7a7c-4005-905f-a1cece4456cc', NULL, '1', 'user', 'How do I brew coffee?', '6', '0', 'true', '2026-11-25 15:50:48.548977+00'),
  ('b46f7058-ac8e-4a77-9cc0-e7ea1051734b', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '26dcc74a-9244-4ec1-a4d0-2c78a003e39f', '10', 'user', 'How do I brew coffee?', '6', '6', 'true', '2026-11-25 15:50:48.691629+00'),
  ('0658c5ab-d19e-4842-8420-805f9aa25ebf', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '26dcc74a-9244-4ec1-a4d0-2c78a003e39f', '11', 'assistant', E'1. Grind.\n2. Pour — at 94 °C.\n3. Wait: don''t stir.', '13', '21', 'true', '2026-11-25 15:50:48.691629+00'),
  ('68ac6cc4-5c4c-4684-8762-d7f06037df80', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '3daf162a-99c5-454f-862c-3828cd1efc3d', '12', 'user', 'explain step 2', '4', '5', 'true', '2026-11-25 15:50:48.730819+00'),
  ('7c4f4dba-d5cb-41f8-9a37-5688a5ce4c47', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '3daf162a-99c5-454f-862c-3828cd1efc3d', '13', 'assistant', 'Said: explain step 2', '5', '7', 'true', '2026-11-25 15:50:48.730819+00'),
  ('f66851b3-6eae-4323-880d-16ef0cf15515', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'f00d5acf-1ade-4224-9fa8-21750946262e', '14', 'user', 'make it shorter', '4', '3', 'true', '2026-11-25 15:50:48.737886+00'),
  ('1fd42cf6-8c76-4d99-bf57-f771fc66f323', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'f00d5acf-1ade-4224-9fa8-21750946262e', '15', 'assistant', E'Grind, pour, wait ☕ (C:\\coffee)', '8', '13', 'true', '2026-11-25 15:50:48.737886+00'),
  ('332d3c15-f559-471c-8e00-6d8467d4da20', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '082b86d2-b0eb-47fb-be6a-e6c90c8fc242', '16', 'user', 'Thanks', '2', '1', 'true', '2026-11-25 15:50:48.759454+00'),
  ('3088cc76-6b3a-48a7-b5ee-6f5e00d92136', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', '082b86d2-b0eb-47fb-be6a-e6c90c8fc242', '17', 'assistant', 'Said: Thanks', '3', '4', 'true', '2026-11-25 15:50:48.759454+00'),
  ('2be14d31-3c80-4216-95ba-ad9d4c0c7d47', '4af83308-6184-4607-a5e4-12d380d048c2', '07a7ab88-d0be-4bf1-bf22-4860d3eef255', '18', 'user', 'See you', '2', '2', 'true', '2026-11-25 15:50:48.784874+00'),
  ('bdb6bc25-729c-4b3f-8e20-dba4cd62af66', '4af83308-6184-4607-a5e4-12d380d048c2', '07a7ab88-d0be-4bf1-bf22-4860d3eef255', '19', 'assistant', 'Said: See you', '4', '5', 'true', '2026-11-25 15:50:48.784874+00'),
  ('ac2d1051-7963-411d-a198-7213e8b9c33a', '7976012c-7a7c-4005-905f-a1cece4456cc', NULL, '2', 'assistant', '1. Grind. 2. Pour. 3. Wait.', '7', '0', 'true', '2026-11-25 15:50:48.55313+00'),
  ('e00f91de-f5be-4311-baef-fce710c8312a', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', '1299637e-b7bc-46a7-90c8-3186f8e79b8a', '24', 'user', 'Count to ten', '3', '3', 'true', '2026-11-25 15:50:48.884648+00'),
  ('4ffef5c2-ee6b-4791-88b2-c2998f9f039e', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', '1299637e-b7bc-46a7-90c8-3186f8e79b8a', '25', 'assistant', 'One, two,', '3', '4', 'true', '2026-11-25 15:50:48.884648+00'),
  ('197463b3-5e15-4c18-8ae4-ac6f636cbbc1', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', '7ef31230-5198-4bef-b9f6-52d77ac37871', '26', 'user', 'Say nothing', '3', '2', 'false', '2026-11-25 15:50:48.961111+00'),
  ('5565e049-3b43-4155-bddc-59d7de51269b', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', '7ef31230-5198-4bef-b9f6-52d77ac37871', '27', 'assistant', '', '0', '0', 'false', '2026-11-25 15:50:48.961111+00'),
  ('e70f60e4-134e-409d-b401-86aeca67a13e', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'e3b23f31-5dd0-4d5f-ac3d-454411576617', '28', 'user', 'A long story', '3', '3', 'true', '2026-11-25 15:50:49.016604+00'),
  ('eaf3b2d6-3ab4-4d54-8063-0bd0df2a578a', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'e3b23f31-5dd0-4d5f-ac3d-454411576617', '29', 'assistant', 'Once upon a', '3', '3', 'true', '2026-11-25 15:50:49.016604+00'),
  ('88deb1ed-747d-4aef-8701-bedaab628787', '7976012c-7a7c-4005-905f-a1cece4456cc', NULL, '3', 'user', 'Make it shorter.', '4', '0', 'true', '2026-11-25 15:50:48.555448+00'),
  ('97e8f488-0d52-4cc8-b974-bb200e0f4d52', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'c09d8494-f508-4249-81f5-9dcc12bf524e', '30', 'user', 'Go on', '2', '2', 'true', '2026-11-25 15:50:49.030045+00'),
  ('b49ea261-fa1f-48d8-beba-bb78cb47a09e', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'c09d8494-f508-4249-81f5-9dcc12bf524e', '31', 'assistant', 'Said: Go on', '3', '5', 'true', '2026-11-25 15:50:49.030045+00'),
  ('6e6b0eaa-b1df-47b8-9e26-f21bf285b012', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'a4d5dd50-707f-4df1-8617-47b345c5c2ae', '32', 'user', 'As long as it lasts', '5', '5', 'true', '2026-11-25 15:50:49.053218+00'),
  ('f42277e7-0830-47d6-bd7b-67d19195a3a8', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'a4d5dd50-707f-4df1-8617-47b345c5c2ae', '33', 'assistant', 'As long as the balance', '6', '5', 'true', '2026-11-25 15:50:49.053218+00'),
  ('23dca6b2-e7a2-4f80-87c4-b73860bf85f3', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', '1800d2ee-c4aa-4326-8192-df8bed2ad3f3', '34', 'user', 'Hello', '2', '1', 'true', '2026-11-25 15:50:49.084201+00'),
  ('05149bbd-b1d6-4d31-aa2b-b9a5d0a371e0', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', '1800d2ee-c4aa-4326-8192-df8bed2ad3f3', '35', 'assistant', 'Said: Hello', '3', '4', 'true', '2026-11-25 15:50:49.084201+00'),
  ('8e1535d3-d7cc-4166-bef6-291e6e1642f7', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'bb4efc1d-0a7e-41d6-a8df-2aba0e8d3722', '36', 'user', 'Anyone there?', '4', '3', 'false', '2026-11-25 15:50:49.088904+00'),
  ('42936901-f922-4641-bf22-7e79f1143daf', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'bb4efc1d-0a7e-41d6-a8df-2aba0e8d3722', '37', 'assistant', '', '0', '0', 'false', '2026-11-25 15:50:49.088904+00'),
  ('283c4eaa-4321-4be4-9bc4-36e3bf216d4b', '46c2d20a-0281-43ca-b945-540cbb1e254d', '6d099a84-04b1-4937-8420-1cae38a259e1', '38', 'user', 'Goodbye', '2', '2', 'true', '2026-11-25 15:50:49.12549+00'),
  ('3714184d-1f3e-4d16-955e-f5f11ef75733', '46c2d20a-0281-43ca-b945-540cbb1e254d', '6d099a84-04b1-4937-8420-1cae38a259e1', '39', 'assistant', 'Said: Goodbye', '4', '4', 'true', '2026-11-25 15:50:49.12549+00'),
  ('763452e5-2e51-498e-9749-445a843f9873', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '4', 'user', 'three', '2', '0', 'true', '2026-11-25 15:50:48.557165+00'),
  ('9ba02b61-e8a5-471c-b120-ab99a5b47814', 'c293e24b-a340-446f-a20c-ef58a536b61c', '554a70bc-0c44-4160-bdea-b23f0f347a06', '40', 'user', 'Are you well?', '4', '4', 'true', '2026-11-25 15:50:49.147862+00'),
  ('74e37287-2e07-4c87-8f7f-07d9a9e1a105', 'c293e24b-a340-446f-a20c-ef58a536b61c', '554a70bc-0c44-4160-bdea-b23f0f347a06', '41', 'assistant', 'Said: Are you well?', '5', '7', 'true', '2026-11-25 15:50:49.147862+00'),
  ('d601ca50-af75-438c-a474-dc6632df3c77', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '5', 'assistant', 'four', '1', '0', 'true', '2026-11-25 15:50:48.557165+00'),
  ('6935cd49-61d7-466f-8694-453028d3ab17', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '6', 'user', 'five', '1', '0', 'true', '2026-11-25 15:50:48.557165+00'),
  ('1218a663-eecd-4a88-b4c2-2aab321154c4', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '7', 'assistant', 'six', '1', '0', 'true', '2026-11-25 15:50:48.557165+00'),
  ('7a496c08-17c4-40cd-ae7f-f71b9a83fd82', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '8', 'user', 'one', '1', '0', 'true', '2026-11-25 14:50:48.557758+00'),
  ('81c723a7-f65c-421a-a5c4-aeabec8e3bef', '08f85938-ce3d-44f9-b6aa-40bfdcd155de', NULL, '9', 'assistant', 'two', '1', '0', 'true', '2026-11-25 14:50:48.557758+00');

INSERT INTO ledger_entries (id, session_id, kind, amount_msat, session_request_id, payment_hash, created_at) VALUES
  ('6ff36dde-e694-45c2-991f-e83cd71a32dd', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'deposit', '1000000', NULL, E'\\xe32d84cc82964984e056b957e818c0d9311b9cecccf17a61d0847ed688ffc0e8', '2026-11-25 15:50:48.660814+00'),
  ('16567c39-8633-4158-a402-6751a3fe03c7', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'charge', '-345', '26dcc74a-9244-4ec1-a4d0-2c78a003e39f', NULL, '2026-11-25 15:50:48.691588+00'),
  ('4cde1df9-2252-42d5-ab18-0ef639e41f37', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'deposit', '500123', NULL, E'\\x8de39bdffb129396bf6749b724efcca879105a2c3726cd9e4704e1c0decd443b', '2026-11-25 15:50:48.71611+00'),
  ('3290237b-9f61-481e-b798-d45e5b7f9ea7', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'charge', '-237', '3daf162a-99c5-454f-862c-3828cd1efc3d', NULL, '2026-11-25 15:50:48.730802+00'),
  ('bba4d446-5445-472a-b051-a08a68daed70', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'charge', '-381', 'f00d5acf-1ade-4224-9fa8-21750946262e', NULL, '2026-11-25 15:50:48.737868+00'),
  ('79aef373-24bb-45a1-bfbb-c845e0525f2c', 'fdb4f52c-e853-4399-86e5-8e42d38eb20d', 'charge', '-312', '082b86d2-b0eb-47fb-be6a-e6c90c8fc242', NULL, '2026-11-25 15:50:48.759437+00'),
  ('17b48a97-d9b0-40bb-a97b-9b6f478b33b9', '4af83308-6184-4607-a5e4-12d380d048c2', 'deposit', '50000', NULL, E'\\x6b5ca2a1987798c561d30954fae065fbef9d6cadb7bb47dc5ac5d684af1d31fa', '2026-11-25 15:50:48.779475+00'),
  ('3dea1837-1bf0-4a89-b44a-76b40f8b5462', '4af83308-6184-4607-a5e4-12d380d048c2', 'charge', '-93', '07a7ab88-d0be-4bf1-bf22-4860d3eef255', NULL, '2026-11-25 15:50:48.784857+00'),
  ('809a3380-1692-41fd-a3a4-d9b6bfe36692', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'deposit', '100000', NULL, E'\\x82b2c082e188dc5e1ef7d4a211d0cd174c5c940588cfdfa809f2df0f432f912d', '2026-11-25 15:50:48.808849+00'),
  ('9f392abd-4dcd-4e14-9b39-9dbfaf356207', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'charge', '-93', 'b8f224ea-8af5-4765-aaf1-25b77ffcf9d4', NULL, '2026-11-25 15:50:48.816307+00'),
  ('5864484a-0122-4ed8-a7f1-7a17d8e29057', '852d4d6e-a9c7-437f-800b-3e38c9b1c67e', 'charge', '-138', 'b0f75d4b-0f33-4663-b453-7c611b48eaaa', NULL, '2026-11-25 15:50:48.819793+00'),
  ('d3328965-a8e2-42d2-b4e7-2ca30ae9ef49', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'deposit', '200000', NULL, E'\\xc8d492d46a9975e8c0985defeea95fda087cc559231ec880b8c244b4a7c348dd', '2026-11-25 15:50:48.849864+00'),
  ('c62df0a3-229c-4581-be0b-e72dab3689fd', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'charge', '-81', '1299637e-b7bc-46a7-90c8-3186f8e79b8a', NULL, '2026-11-25 15:50:48.884629+00'),
  ('5b053925-554a-4d7e-9f7b-e1f0815c7a1c', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'charge', '-63', '7ef31230-5198-4bef-b9f6-52d77ac37871', NULL, '2026-11-25 15:50:48.960906+00'),
  ('5a7ed6ab-3892-4d88-99bb-bd5cef330bf4', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'charge', '-111', 'e3b23f31-5dd0-4d5f-ac3d-454411576617', NULL, '2026-11-25 15:50:49.016585+00'),
  ('b6f16207-b491-462c-90d2-9ea79d58a8a8', '803dfc4f-932a-4d54-9dcf-f0ad358a57ac', 'charge', '-180', 'c09d8494-f508-4249-81f5-9dcc12bf524e', NULL, '2026-11-25 15:50:49.030026+00'),
  ('7831f0b9-f42a-4bef-97a6-439fe910e9df', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'deposit', '10000', NULL, E'\\x846ec1003c5d1e5bc9d070a9c9495250ccc48ca816c3c6e2960bbd139c61f5ac', '2026-11-25 15:50:49.046593+00'),
  ('75804af1-ed2d-4d7c-87c8-7e615aeea739', '5f8dc80e-98ba-4e2c-b11a-02b3d647aa9d', 'charge', '-102', 'a4d5dd50-707f-4df1-8617-47b345c5c2ae', NULL, '2026-11-25 15:50:49.053198+00'),
  ('e902d48e-59c9-487b-ba07-ad63f152cef2', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'deposit', '100000', NULL, E'\\x438e6c9c20269ebb0bf7dfef31da2fd55b13bd5e567617fd23795ef56c6f84bf', '2026-11-25 15:50:49.074551+00'),
  ('0eab2ea8-ebe9-43ed-90dc-0a20a9480628', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'charge', '-75', '1800d2ee-c4aa-4326-8192-df8bed2ad3f3', NULL, '2026-11-25 15:50:49.084179+00'),
  ('dfaad39b-d871-44eb-96df-5a817eb62c3e', 'e2d0ec4a-8631-44eb-ae42-0ef134776636', 'charge', '-60', 'bb4efc1d-0a7e-41d6-a8df-2aba0e8d3722', NULL, '2026-11-25 15:50:49.088882+00'),
  ('8f28e563-9654-406b-9592-26c02b053d06', '46c2d20a-0281-43ca-b945-540cbb1e254d', 'deposit', '40000', NULL, E'\\x37c90a0960e6d28630b55c961762300134d29d7408390ea2caefc4d8dff44d96', '2026-11-25 15:50:49.118164+00'),
  ('5a6624cc-1c40-4ca9-8a48-5bd40b38f42d', '46c2d20a-0281-43ca-b945-540cbb1e254d', 'charge', '-78', '6d099a84-04b1-4937-8420-1cae38a259e1', NULL, '2026-11-25 15:50:49.125427+00'),
  ('b488dcb4-e248-4925-bc2c-4a36ec3938ac', 'c293e24b-a340-446f-a20c-ef58a536b61c', 'deposit', '100000', NULL, E'\\x7773d5a65ec75791ef919f73167c65ab88bce90b9e144e167a6e0c71c38fed46', '2026-11-25 15:50:49.142391+00'),
  ('131d3708-4078-4446-9086-38b9d2850a20', 'c293e24b-a340-446f-a20c-ef58a536b61c', 'charge', '-129', '554a70bc-0c44-4160-bdea-b23f0f347a06', NULL, '2026-11-25 15:50:49.147838+00');

INSERT INTO timmy_tower_migrations (id, hash, created_at, version) VALUES
  ('1', 'd50e523c5c0a4d19761a67612eea9df1c9c73da99ab953c0cf92c3cfde970b9f', '1795511375397', '0.2.0'),
  ('2', '679cad65688b167208743d985d4b9dd9e341fb7df409cddda321b8dad4d2dd5c', '1795511378876', '0.2.0'),
  ('3', 'efa80999ac4a615176082cd4b70c28e903bee6073846c274e5ff2b13f19005d3', '1795523617643', '0.2.0'),
  ('4', 'a826dcfc96140a4bbe8ee28a1d092b4504388fd5fedce0090dd64196e2996248', '1795610243378', '0.2.0'),
  ('5', '7a77cfbf49fe8ceea6935936a1cfaa282917ed15631c43bd87655876e28cb310', '1795610354735', '0.2.0');

SELECT setval('session_messages_seq_seq', (SELECT max(seq) FROM session_messages));

SELECT setval('timmy_tower_migrations_id_seq', (SELECT max(id) FROM timmy_tower_migrations));

COMMIT;
