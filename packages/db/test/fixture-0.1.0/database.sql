-- A database of version 0.1.0.

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

CREATE SCHEMA drizzle;

CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);

INSERT INTO sessions (id, status, balance_msat, held_msat, message_count, created_at, used_at) VALUES
  ('2e53e03e-30fa-412c-a140-cdd7bd180f96', 'active', '0', '0', '3', '2026-11-25 13:07:35.563754+00', '2026-11-25 13:07:35.571563+00'),
  ('71c79353-5074-41cb-9b80-ca4e6bf0596c', 'active', '0', '0', '0', '2026-11-25 13:07:35.572794+00', '2026-11-25 13:07:35.572794+00'),
  ('d8864e47-9c96-4eed-8993-f8048e612340', 'awaiting_payment', '0', '0', '0', '2026-11-25 13:07:35.60223+00', '2026-11-25 13:07:35.60223+00'),
  ('71ca2252-ad97-4acd-bdbd-c5119e7ca06c', 'awaiting_payment', '0', '0', '0', '2026-11-25 13:07:35.610386+00', '2026-11-25 13:07:35.610386+00'),
  ('c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'active', '1498848', '0', '8', '2026-11-25 13:07:35.616032+00', '2026-11-25 13:07:35.683212+00'),
  ('c427276e-f07b-4e8d-a19a-8c6300f46359', 'expired', '49907', '0', '2', '2026-11-25 13:07:35.685985+00', '2026-10-25 13:07:35.694997+00'),
  ('3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'active', '99769', '0', '0', '2026-11-25 13:07:35.701641+00', '2026-11-25 13:07:35.71477+00'),
  ('2e5c85b5-d2de-452b-b4a3-1de71104062b', 'active', '199565', '0', '8', '2026-11-25 13:07:35.721946+00', '2026-11-25 13:07:35.898439+00'),
  ('3f30b85b-da54-4552-916d-9fa9f7113507', 'active', '9898', '0', '2', '2026-11-25 13:07:35.901966+00', '2026-11-25 13:07:35.914669+00'),
  ('910e3dd9-c7ec-421a-9797-615c08ee3322', 'active', '99850', '0', '4', '2026-11-25 13:07:35.918011+00', '2026-11-25 13:07:35.939474+00'),
  ('e42b5377-d067-4202-b846-bfff7fe784fc', 'closed', '39922', '0', '2', '2026-11-25 13:07:35.94203+00', '2026-11-25 13:07:35.950169+00'),
  ('faa040fb-e5e0-4275-840b-21d8cc780297', 'active', '99871', '15459', '2', '2026-11-25 13:07:35.953063+00', '2026-11-25 13:07:35.963993+00');

INSERT INTO session_keys (session_id, key_hash, created_at) VALUES
  ('d8864e47-9c96-4eed-8993-f8048e612340', E'\\x3e6f49405a41f841f4606ad475a65142823846e03c6e03d4436f55c40a94ce7b', '2026-11-25 13:07:35.60223+00'),
  ('71ca2252-ad97-4acd-bdbd-c5119e7ca06c', E'\\xa1cfef284ece1bd23533409a0fc3110eee6ad47f64ebdb4af21acd435bb512c5', '2026-11-25 13:07:35.610386+00'),
  ('c225cb3f-27f6-4487-b1f1-7f38d69938ba', E'\\x0cdcd71f7b15f7e13fe4484875b0736cbc560865e4af738121dadb6ce2ff3708', '2026-11-25 13:07:35.616032+00'),
  ('c427276e-f07b-4e8d-a19a-8c6300f46359', E'\\xfd1ddd7686a724750a50469bb5716856d124486158947648b95dabaf22371cde', '2026-11-25 13:07:35.685985+00'),
  ('3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', E'\\xd4aad32c10d938f741087d42fadd4d7f83c90bf7aed4359ddb876827ac33bf1e', '2026-11-25 13:07:35.701641+00'),
  ('2e5c85b5-d2de-452b-b4a3-1de71104062b', E'\\x92810eadfa38e536b65c791a1e354fe0013225f47d4afe2d86fbbc3c4ab5360a', '2026-11-25 13:07:35.721946+00'),
  ('3f30b85b-da54-4552-916d-9fa9f7113507', E'\\x8ed760b9fce4e0919ad85c29edf9a992b0f64b9e5fb5f7f2d93048d7c3320563', '2026-11-25 13:07:35.901966+00'),
  ('910e3dd9-c7ec-421a-9797-615c08ee3322', E'\\xf41b8ff146f6f49f1de8cb8914d08975618f6de1235dec689729973da16445f3', '2026-11-25 13:07:35.918011+00'),
  ('e42b5377-d067-4202-b846-bfff7fe784fc', E'\\x684b2ca47cb8918f4053dfa32c3015a7a3b250ec1fee72bf4d6bef6c45177a77', '2026-11-25 13:07:35.94203+00'),
  ('faa040fb-e5e0-4275-840b-21d8cc780297', E'\\xe6c587484610f243e519e0eb4fd131995758c40c896fb3af47cb70d8f943c4c1', '2026-11-25 13:07:35.953063+00');

INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, created_at, expires_at, paid_at, received_msat, next_lookup_at) VALUES
  (E'\\xd41e784a00ca9287e797fec85fdcd8c229091b42e284858c25973bce19469cf8', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'lnbcrt200n1p4sdhvhpp56s08sjsqe2fg0euhlmy9lhxccg5sjx6zu2zgtrp9juauux2xnnuqsp5w7ycj28h55kvchay3qsjtyrm7jpwj3kv3htajvpktx9k7zuhevnsdp8xgczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqas4dzmjr9xancgfe8pxse23r50y339q9wh95jvn7n2x36s4n3tzrtgla90s77uqueqmsg5jcwnhg2hr7f7r2ssz0lmj4l6xy0sg5v3qpfqhwnd', '20000', '2026-11-22 13:07:35.673424+00', '2026-11-23 13:07:35.673424+00', NULL, NULL, NULL),
  (E'\\x1221881cab28603cf10602b70b501d72f60721f1d19123980d31e92daa6b213e', '71ca2252-ad97-4acd-bdbd-c5119e7ca06c', 'lnbcrt1u1p4sdhvhpp5zgscs89t9psreugxq2msk5qawtmqwg036xgj8xqdx85jm2ntyylqsp532p6dzyhu7vzcu96jk0qtpnruhy00pgjr50zs08gts6dnqxy0pmsdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqef5yawf975wx0ac592gwdavqdxqvs9jpj95hjq7k3ynlj3z3u48k7dn27xfnw3dtrlka02puh3lanc59vv8fkezfhyle9fru3v9h06cp6a356s', '100000', '2026-11-25 11:07:35.610386+00', '2026-11-25 12:07:35+00', NULL, NULL, '2026-11-25 13:07:35.610386+00'),
  (E'\\x6d6bfcd6552864c2b97e3a54cbba0be1129ce083767306033d9a6c03365f19f1', 'd8864e47-9c96-4eed-8993-f8048e612340', 'lnbcrt1u1p4sdhvhpp5d44le4j49pjv9wt78f2vhwstuyffecyrweesvqeanfkqxdjlr8cssp5yvhkpq50rmy4n25wxvp4ty7pxgc22fe2w79mupsgt7mn87zfw9wsdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgq5hs4x2pwnfwglcdew8u09cyvne5w8h0kkeqwnw6cplkfhwfdv5s487l6fduyrwm63qw5yp4p2vrwj7225he2sad0yvlsuanr2ke825qqu9ecz2', '100000', '2026-11-25 13:07:35.60223+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 13:07:35.60223+00'),
  (E'\\x460fe8be737ee27bc0ac10a83414a9c5cd0977269d1d7cdcb37fad7df96ae6fd', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'lnbcrt10u1p4sdhvhpp5gc8730nn0m38hs9vzz5rg99fchxsjaexn5wheh9n07khm7t2um7ssp5erndcufzc4zg2l6w29rtd6a8n3t05gyv2pr2ph7arekj4qjnasdqdp2xycrqvpqwdshgueqw3hjqarpd34jqar0yp2xjmtd0yxqrrsscqpj9qrsgq4m6vtt3jq7yaczytklm82hrk3ucu3ascqfnm7cs8xl6edkhgvcez6av646fz8pp590mpg9dl9x3njcgz6em677kd4kwps36qdg3mrncphfq2q0', '1000000', '2026-11-25 13:07:35.616032+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.626278+00', '1000000', NULL),
  (E'\\xf523f032e5eb07d65c864b7d4a3b728aa4e2c4a795648e15a5c8dc87ef2ab8ed', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'lnbcrt5u1p4sdhvhpp5753lqvh9avravhyxfd755wmj32jw9398j4jgu9d9erwg0me2hrkssp558yuj6g8slm9j2fjkv43t4vj5vrqhzkcxgxqmuaz349m028lwgfsdpgx5crqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqzrk38yale3v8lqwnpzn7le375agcvums3ut59vng5rg2fv7f3gkpyvqdjcwttyetepa5k5thadgdfta2e2tpakc6n8za08n44xa2regpqszqp0', '500000', '2026-11-25 13:07:35.650611+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.657212+00', '500123', NULL),
  (E'\\x5f2f64b0719808e6b97b527acd9ea4e8cfffcb87619a7f6e0f5dc64abd92effa', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'lnbcrt300n1p4sdhvhpp5tuhkfvr3nqywdwtm2favm84yar8llju8vxd87ms0thry40vjalaqsp5a5lm24qyysc34lwfdmcu5ec7kr4lvdxsqgx636fkgcttd3a6zpdsdp8xvczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqpl5rrajrmqfxlf87kqg630fztxepe5cm3lhgxc0j8ss2zv3h6765mgj9nhe9tzflxyvm5k4kpmm278g7a8rr658m6krzw4qu79ch47cq3wc4y4', '30000', '2026-11-25 13:07:35.678076+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 13:07:35.678076+00'),
  (E'\\xc37d61134ef7884fc9bbc24f376a63641deedb867f0658fd314930293f47c045', 'c427276e-f07b-4e8d-a19a-8c6300f46359', 'lnbcrt500n1p4sdhvhpp5cd7kzy6w77yyljdmcf8nw6nrvsw7akux0ur93lf3fyczj068cpzssp5tgjaytrwdnfz54e6azu9zwtr5mqqs9mc0nlkey5gynktgvkqqfssdp8x5czqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqas8caaj9djfseq8zep3dagf2xeau76a5844flrau3x45qy5mwrnzjzgd8th8r6mg2vx0qjjsjh3kkex7ahtkrl6q4r4c6rvucmfcj0spzahttu', '50000', '2026-11-25 13:07:35.685985+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.692365+00', '50000', NULL),
  (E'\\x46d3db3dcb854e2f6b9ab7372b6be10e13bca82731080768659a2e4031af1423', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'lnbcrt1u1p4sdhvhpp5gmfak0wts48z76u6kumjk6lppcfme2p8xyyqw6r9nghyqvd0zs3ssp5439puazp45w4hqukxagx8vtu4sskr8fnkpx2l0tz503amz9068qqdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqtmkeynzrmrcw3yea55tctyyqh7e7jzv0ajw6k8drh4ymympm9d3hrk980ss93taksm2zws3745thk4vcqj3p60frvqyn7ve6grjzursq3u70d4', '100000', '2026-11-25 13:07:35.701641+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.709007+00', '100000', NULL),
  (E'\\x94c40328aa362f3c17a3a1b4426cf8c8bf95adaf20d7d0b61a43c3a351f10340', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'lnbcrt2u1p4sdhvhpp5jnzqx292xchnc9ar5x6yym8cezlettd0yrtapds6g0p6x503qdqqsp55qku993drndxw47zj2datzgn7nmdcff6k33yrsz7srxqkzyrqwasdpgxgcrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqx6alguv45ldp4yeea469f9n7wuzprcs7ry283stf76a4rdlc90f4skx56h400vsuehg9ht7mxgcr8xssdtcs6t3x0cvd2td7dju39fcqdhjtr2', '200000', '2026-11-25 13:07:35.721946+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.728842+00', '200000', NULL),
  (E'\\x21370fd4109c1b9cd5f4f1f16b079e330647eff1db1b7d5fa34543e23732a6ce', '3f30b85b-da54-4552-916d-9fa9f7113507', 'lnbcrt100n1p4sdhvhpp5yymsl4qsnsdee40578ckkpu7xvry0ml3mvdh6harg4p7ydej5m8qsp53t5c5dp8ud7eqnk8r5qh3447mhmk3sug3yacpje8jynuse7h0vtsdp8xyczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqp2kdc0n586zyenny5qk330twsktv0vsl622wh7tap0hh7228djsxwgx9sru3zkn64laf3shlaueu4h9z3ld0cp6xu50evdpe37en9hqqkt2ehs', '10000', '2026-11-25 13:07:35.901966+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.911554+00', '10000', NULL),
  (E'\\x82fce1e69bc2b8d3cd64afedfcefb6147f5dee62024a6fbe9e167e4acf8f1037', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'lnbcrt1u1p4sdhvhpp5st7wre5mc2ud8nty4lklemakz3l4mmnzqf9xl057zely4nu0zqmssp5hear2fhja0f5yf2s78rwxu4qrc722t8kj4m4mqaq0qjddc07hgfqdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqsgsra0dkzefd0jmgcmwttyldtwvd57qqf9wg2lc5vpvlh7caqj7rnxgcm69ztg8eu2k6a0mfgh23rr07xhwn96fmumc8m9ghz5avtngpr4rkhk', '100000', '2026-11-25 13:07:35.918011+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.934629+00', '100000', NULL),
  (E'\\xf4642dfc0fc3d16257bfe998aae2a386b45448194224161d9f061c06f45233fa', 'e42b5377-d067-4202-b846-bfff7fe784fc', 'lnbcrt400n1p4sdhvhpp573jzmlq0c0gky4alaxv24c4rs669gjqeggjpv8vlqcwqdazjx0aqsp5t7y0lmjpa838eg2s7k9yn3c96u2q7j95c7vff6zwt0d0s3cfneeqdp8xsczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqrca70v08yjp3k23yr479zve8rayud8806x6utajgzatdm0rvsyjq697rgqy8hw24p3g9xqwxrhm86725jxyfugzw5pggk8gw8ppy24sqlscca4', '40000', '2026-11-25 13:07:35.94203+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.947978+00', '40000', NULL),
  (E'\\x55a75f23f691303b8e37a40a27321b25e8c043b833f3d0385e1f42cf418a44d3', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'lnbcrt1u1p4sdhvhpp52kn47glkjycrhr3h5s9zwvsmyh5vqsacx0eaqwz7rapv7sv2gnfssp562u4aess3r5xzg8kmwhtvugjhysfpyrn0tastljryayq4zdyd5asdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqyzpde0ykvdlw5k52e405faw2xev8pcqy0mu0e0c3juw2p52kau6yt5ftlnxmxnvl87cn3etca7wuv2pwe74s2l5ah3y6guknj5krw9qqns96h9', '100000', '2026-11-25 13:07:35.953063+00', '2026-11-25 14:07:35+00', '2026-11-25 13:07:35.958866+00', '100000', NULL);

INSERT INTO session_requests (id, session_id, idempotency_key, body_hash, state, incomplete_reason, model, max_output_tokens, input_tokens, output_tokens, held_msat, charged_msat, balance_msat, history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at, cancel_requested_at, created_at, finished_at) VALUES
  ('413861fe-56ab-4ab6-94b7-9ecb7f18c9f3', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'key-of-How-do-I-brew-coffee-', E'\\xb4c996e6b4823d3b34fa1525b3060e17aac6e0f74baede68840ce864875cef6a', 'completed', NULL, 'scripted', '1024', '10', '21', '15399', '345', '999655', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.637859+00', NULL, '2026-11-25 13:07:35.634897+00', '2026-11-25 13:07:35.643602+00'),
  ('ea3b3131-33d1-471f-9abf-9e2ee954e224', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'key-of-explain-step-', E'\\xe0214688f3b6bccf65df440e03caf483455324f5dfe709a9667d75ddbc653696', 'completed', NULL, 'scripted', '1024', '44', '7', '15525', '237', '1499541', '2', '19', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.659666+00', NULL, '2026-11-25 13:07:35.659308+00', '2026-11-25 13:07:35.660792+00'),
  ('5a7312ac-3bd5-4026-905b-a74d863d48ac', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'key-of-make-it-shorter-', E'\\x95092f1054694538405aa18025629315ffeab2760d8192ab24a9483ed30f4def', 'completed', NULL, 'scripted', '1024', '62', '13', '15594', '381', '1499160', '4', '28', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.662969+00', NULL, '2026-11-25 13:07:35.66269+00', '2026-11-25 13:07:35.664099+00'),
  ('ce41deb2-872f-417b-9d76-b25574f3a612', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'key-of-Thanks-', E'\\xb430a75c027f6382a20470daa9274dcaa8e051f643c74a048356dfbcf13237a1', 'completed', NULL, 'scripted', '100', '84', '4', '1815', '312', '1498848', '6', '40', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.681987+00', NULL, '2026-11-25 13:07:35.681646+00', '2026-11-25 13:07:35.683212+00'),
  ('1e6d2242-6a88-4651-9cf0-34af0d179413', 'c427276e-f07b-4e8d-a19a-8c6300f46359', 'key-of-See-you-', E'\\xf5fc8161797b93f90d58a32070a3f572dba6a1c89077e4505e36f247a456c6e6', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '49907', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.6941+00', NULL, '2026-11-25 13:07:35.693823+00', '2026-11-25 13:07:35.694997+00'),
  ('9400b4c9-ecc5-4ceb-8a23-fbcc576b1088', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'key-of-My-secret-', E'\\xeaf4cdd9de56a63aac74c31ea37a976cee7f0dda66c3c8af0fd995717bfdcb2f', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '99907', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.711188+00', NULL, '2026-11-25 13:07:35.710866+00', '2026-11-25 13:07:35.712101+00'),
  ('35faf630-4eba-4ea3-997a-e4d6a4dc03ca', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'key-of-Forget-it-', E'\\xb64d8a95fa1a74a69221bd9b4a270db35ac79313f3b24441c31a015bf88095ea', 'completed', NULL, 'scripted', '1024', '21', '5', '15441', '138', '99769', '2', '7', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.71396+00', NULL, '2026-11-25 13:07:35.71367+00', '2026-11-25 13:07:35.71477+00'),
  ('747c328d-705e-4c65-8bb9-7d882b7a85f5', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'key-of-Count-to-ten-', E'\\xfa9d41b198edc52ba6f85df28625fa855838d9dda200a8db3fa9bf613cd90346', 'incomplete', 'cancelled', 'scripted', '1024', '7', '4', '15387', '81', '199919', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.744718+00', '2026-11-25 13:07:35.760258+00', '2026-11-25 13:07:35.739469+00', '2026-11-25 13:07:35.762163+00'),
  ('20df2601-04c6-40dc-965a-fecc0f05676e', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'key-of-Say-nothing-', E'\\x806b47408a8a8f63b91e9db5421a1f28371606ed3bb5607d86d4edb398adb819', 'incomplete', 'cancelled', 'scripted', '1024', '21', '0', '15441', '63', '199856', '2', '6', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.816191+00', '2026-11-25 13:07:35.833429+00', '2026-11-25 13:07:35.815681+00', '2026-11-25 13:07:35.834527+00'),
  ('92c934a8-6069-46b0-a631-feae2ed08c18', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'key-of-A-long-story-', E'\\x5b0b9cdf4d5c8016a88de8b1523ccf9e602c8253f8bb00f0f1e7d3777e03febe', 'incomplete', 'max-output-tokens', 'scripted', '16', '22', '3', '324', '111', '199745', '2', '6', '2', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.888787+00', NULL, '2026-11-25 13:07:35.888404+00', '2026-11-25 13:07:35.889943+00'),
  ('def44dd4-4abc-4c5f-b65c-b6ccadf05b12', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'key-of-Fail-', E'\\x35133a810d86f4cb22b5f330e6cfafe43e191b1b11cf5facb1a651fa8bca0989', 'failed', NULL, 'scripted', '1024', NULL, NULL, '15489', '0', '199745', '4', '12', '2', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.892389+00', NULL, '2026-11-25 13:07:35.892024+00', '2026-11-25 13:07:35.894135+00'),
  ('4d2d305b-a2cd-407b-b345-03ca32b4aa21', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'key-of-Go-on-', E'\\x3ef2e10146ee76f40aeef8ec64d34f939717d3c90ece636b0d1dacc1a3accf19', 'completed', NULL, 'scripted', '1024', '35', '5', '15492', '180', '199565', '4', '12', '2', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.896932+00', NULL, '2026-11-25 13:07:35.896523+00', '2026-11-25 13:07:35.898439+00'),
  ('a46ba69e-946b-4542-b33b-beaa487233ea', '3f30b85b-da54-4552-916d-9fa9f7113507', 'key-of-As-long-as-it-lasts-', E'\\x504ab24682c1a7f7ce71de253fe0c110688bd5ef28d1683ebb8ab3222f06eb2d', 'incomplete', 'balance', 'scripted', '664', '9', '5', '10000', '102', '9898', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.913778+00', NULL, '2026-11-25 13:07:35.913385+00', '2026-11-25 13:07:35.914669+00'),
  ('db874d0c-44f7-4f50-a914-da038a2420d0', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'key-of-Hello-', E'\\xabe11060c9122af409b40d071488593aef7047455a86b639d2eda895c2032006', 'completed', NULL, 'scripted', '1024', '5', '4', '15381', '75', '99925', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.936095+00', NULL, '2026-11-25 13:07:35.935857+00', '2026-11-25 13:07:35.936716+00'),
  ('eb7c340a-2314-45b9-966d-e6ec9c47e6fe', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'key-of-Anyone-there-', E'\\xc8db64e144debd6f0381573e45187aa19df96f6e0519a3d63f44ddd6b1a1bd12', 'completed', NULL, 'scripted', '1024', '20', '1', '15435', '75', '99850', '2', '5', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.93814+00', NULL, '2026-11-25 13:07:35.9379+00', '2026-11-25 13:07:35.939474+00'),
  ('6c80f133-6dc5-4e83-8496-8b0286c44699', 'e42b5377-d067-4202-b846-bfff7fe784fc', 'key-of-Goodbye-', E'\\x7d572a207fbad413015b662d50c140d9fddd9dae73f5c4849dc17c2b5d856ff5', 'completed', NULL, 'scripted', '1024', '6', '4', '15384', '78', '39922', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.949528+00', NULL, '2026-11-25 13:07:35.949254+00', '2026-11-25 13:07:35.950169+00'),
  ('f51ce426-c939-470a-bb61-2236b2091c68', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'key-of-Are-you-well-', E'\\x32f4da1db3ab676105e9d9534daad726e5878dbeebd5c57a277bd0ce8d801739', 'completed', NULL, 'scripted', '1024', '8', '7', '15390', '129', '99871', '0', '0', '0', '4469774e-ab15-4571-b8a7-4916e359ffb7', '2026-11-25 13:07:50.96043+00', NULL, '2026-11-25 13:07:35.960137+00', '2026-11-25 13:07:35.961236+00'),
  ('1c3acb45-017c-4a21-84e1-ad5de12e518e', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'key-of-Still-there-', E'\\x0d652d905139139bd482b8bd57c29d6170c4df51332f265d2069108a52639b0e', 'running', NULL, 'scripted', '1024', NULL, NULL, '15459', NULL, NULL, '2', '9', '0', '346cd126-381b-4f9f-8b0b-ed9b7822e060', '2026-11-25 13:07:50.963833+00', NULL, '2026-11-25 13:07:35.96343+00', NULL);

INSERT INTO session_messages (id, session_id, session_request_id, seq, role, content, token_count, prompt_tokens, in_prompts, created_at) OVERRIDING SYSTEM VALUE VALUES
  ('0d742544-8ae7-451e-94aa-8bc632a14ca8', '2e53e03e-30fa-412c-a140-cdd7bd180f96', NULL, '1', 'user', 'How do I brew coffee?', '6', '0', 'true', '2026-11-25 13:07:35.569218+00'),
  ('8ad36c1c-4106-4d88-8ba4-28cbd55219b9', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', '413861fe-56ab-4ab6-94b7-9ecb7f18c9f3', '10', 'user', 'How do I brew coffee?', '6', '6', 'true', '2026-11-25 13:07:35.643659+00'),
  ('c39315d3-2243-4f4d-81bd-ef4f82004af4', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', '413861fe-56ab-4ab6-94b7-9ecb7f18c9f3', '11', 'assistant', E'1. Grind.\n2. Pour — at 94 °C.\n3. Wait: don''t stir.', '13', '21', 'true', '2026-11-25 13:07:35.643659+00'),
  ('707d7fdf-4c30-4a1c-8930-af8ee85348bc', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'ea3b3131-33d1-471f-9abf-9e2ee954e224', '12', 'user', 'explain step 2', '4', '5', 'true', '2026-11-25 13:07:35.660806+00'),
  ('a113a728-0395-47ac-9270-a346bdd5b9bd', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'ea3b3131-33d1-471f-9abf-9e2ee954e224', '13', 'assistant', 'Said: explain step 2', '5', '7', 'true', '2026-11-25 13:07:35.660806+00'),
  ('3d7b5cd4-2d70-444c-ba25-7edf28febdb3', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', '5a7312ac-3bd5-4026-905b-a74d863d48ac', '14', 'user', 'make it shorter', '4', '3', 'true', '2026-11-25 13:07:35.664113+00'),
  ('32570bb6-bbf8-4169-b3f6-0561d7c54c12', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', '5a7312ac-3bd5-4026-905b-a74d863d48ac', '15', 'assistant', E'Grind, pour, wait ☕ (C:\\coffee)', '8', '13', 'true', '2026-11-25 13:07:35.664113+00'),
  ('b2ec7e11-b80f-41b1-980b-56ff6fe7bcc1', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'ce41deb2-872f-417b-9d76-b25574f3a612', '16', 'user', 'Thanks', '2', '1', 'true', '2026-11-25 13:07:35.683228+00'),
  ('f06f5390-fdd5-4bde-99f3-5bb7d7a7bfc1', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'ce41deb2-872f-417b-9d76-b25574f3a612', '17', 'assistant', 'Said: Thanks', '3', '4', 'true', '2026-11-25 13:07:35.683228+00'),
  ('f2cf00e8-e4ee-4002-becd-76e904040ec7', 'c427276e-f07b-4e8d-a19a-8c6300f46359', '1e6d2242-6a88-4651-9cf0-34af0d179413', '18', 'user', 'See you', '2', '2', 'true', '2026-11-25 13:07:35.695012+00'),
  ('2c49767c-b950-41c4-bb51-83184ea7119e', 'c427276e-f07b-4e8d-a19a-8c6300f46359', '1e6d2242-6a88-4651-9cf0-34af0d179413', '19', 'assistant', 'Said: See you', '4', '5', 'true', '2026-11-25 13:07:35.695012+00'),
  ('561bac06-8e12-4bae-a885-892163917c6e', '2e53e03e-30fa-412c-a140-cdd7bd180f96', NULL, '2', 'assistant', '1. Grind. 2. Pour. 3. Wait.', '7', '0', 'true', '2026-11-25 13:07:35.570992+00'),
  ('51afbdb7-7aca-4476-ad97-cb6b7a3a2ee2', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '747c328d-705e-4c65-8bb9-7d882b7a85f5', '24', 'user', 'Count to ten', '3', '3', 'true', '2026-11-25 13:07:35.762338+00'),
  ('64b87603-f4e4-4edf-b9d7-cd387cf9d5d9', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '747c328d-705e-4c65-8bb9-7d882b7a85f5', '25', 'assistant', 'One, two,', '3', '4', 'true', '2026-11-25 13:07:35.762338+00'),
  ('11e2af19-acfc-4563-ba11-51ea2c3b0b1f', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '20df2601-04c6-40dc-965a-fecc0f05676e', '26', 'user', 'Say nothing', '3', '2', 'false', '2026-11-25 13:07:35.834543+00'),
  ('f613cb54-c242-486a-bcef-b524ac865e44', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '20df2601-04c6-40dc-965a-fecc0f05676e', '27', 'assistant', '', '0', '0', 'false', '2026-11-25 13:07:35.834543+00'),
  ('0faeb47f-fce1-475d-b010-4ac12b23ff41', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '92c934a8-6069-46b0-a631-feae2ed08c18', '28', 'user', 'A long story', '3', '3', 'true', '2026-11-25 13:07:35.889962+00'),
  ('c2e9a782-278f-4140-8ca4-4b298d11fff2', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '92c934a8-6069-46b0-a631-feae2ed08c18', '29', 'assistant', 'Once upon a', '3', '3', 'true', '2026-11-25 13:07:35.889962+00'),
  ('b15cacb1-3cb6-4821-b2ff-4e5eca628c9b', '2e53e03e-30fa-412c-a140-cdd7bd180f96', NULL, '3', 'user', 'Make it shorter.', '4', '0', 'true', '2026-11-25 13:07:35.572211+00'),
  ('e7aab275-b78d-4eba-8b69-8e4666cbc0df', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '4d2d305b-a2cd-407b-b345-03ca32b4aa21', '30', 'user', 'Go on', '2', '2', 'true', '2026-11-25 13:07:35.898454+00'),
  ('5ea10591-fcd0-4bef-b8cf-cff831a0f6cb', '2e5c85b5-d2de-452b-b4a3-1de71104062b', '4d2d305b-a2cd-407b-b345-03ca32b4aa21', '31', 'assistant', 'Said: Go on', '3', '5', 'true', '2026-11-25 13:07:35.898454+00'),
  ('5cf79583-ed23-4a3b-ba42-0b5207793d39', '3f30b85b-da54-4552-916d-9fa9f7113507', 'a46ba69e-946b-4542-b33b-beaa487233ea', '32', 'user', 'As long as it lasts', '5', '5', 'true', '2026-11-25 13:07:35.914684+00'),
  ('e3c2bd7d-5fc1-4958-907e-963f005abfc7', '3f30b85b-da54-4552-916d-9fa9f7113507', 'a46ba69e-946b-4542-b33b-beaa487233ea', '33', 'assistant', 'As long as the balance', '6', '5', 'true', '2026-11-25 13:07:35.914684+00'),
  ('d8d216c4-dfb6-42bc-9eb8-1b817abd0100', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'db874d0c-44f7-4f50-a914-da038a2420d0', '34', 'user', 'Hello', '2', '1', 'true', '2026-11-25 13:07:35.936729+00'),
  ('14acb369-3147-4035-9937-4e6e51fb291c', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'db874d0c-44f7-4f50-a914-da038a2420d0', '35', 'assistant', 'Said: Hello', '3', '4', 'true', '2026-11-25 13:07:35.936729+00'),
  ('3ef5a695-4495-4d1a-8e32-158f8db31113', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'eb7c340a-2314-45b9-966d-e6ec9c47e6fe', '36', 'user', 'Anyone there?', '4', '3', 'true', '2026-11-25 13:07:35.939485+00'),
  ('c583c9af-d463-4f6b-8e85-8ee3efac2780', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'eb7c340a-2314-45b9-966d-e6ec9c47e6fe', '37', 'assistant', E' \n\n', '1', '1', 'true', '2026-11-25 13:07:35.939485+00'),
  ('7fa80345-a26c-4ba7-8900-2a197c90c470', 'e42b5377-d067-4202-b846-bfff7fe784fc', '6c80f133-6dc5-4e83-8496-8b0286c44699', '38', 'user', 'Goodbye', '2', '2', 'true', '2026-11-25 13:07:35.950187+00'),
  ('64021ae3-1cca-4174-aa37-f5ccc513a7f1', 'e42b5377-d067-4202-b846-bfff7fe784fc', '6c80f133-6dc5-4e83-8496-8b0286c44699', '39', 'assistant', 'Said: Goodbye', '4', '4', 'true', '2026-11-25 13:07:35.950187+00'),
  ('08e1fc6b-c926-408a-a8a0-3f9eddf3a616', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '4', 'user', 'three', '2', '0', 'true', '2026-11-25 13:07:35.573223+00'),
  ('86d3620d-46d9-4d2f-8d5b-b0becef5082d', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'f51ce426-c939-470a-bb61-2236b2091c68', '40', 'user', 'Are you well?', '4', '4', 'true', '2026-11-25 13:07:35.961265+00'),
  ('5b63799d-be91-49de-bd3a-6cf0fff6583b', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'f51ce426-c939-470a-bb61-2236b2091c68', '41', 'assistant', 'Said: Are you well?', '5', '7', 'true', '2026-11-25 13:07:35.961265+00'),
  ('06a20ac4-f5db-40b3-b86b-85e22462bf01', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '5', 'assistant', 'four', '1', '0', 'true', '2026-11-25 13:07:35.573223+00'),
  ('bef9a333-9204-4446-9c4a-e9e9dee9b3e6', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '6', 'user', 'five', '1', '0', 'true', '2026-11-25 13:07:35.573223+00'),
  ('73231b7d-8bb3-4f04-a90b-2d5500806458', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '7', 'assistant', 'six', '1', '0', 'true', '2026-11-25 13:07:35.573223+00'),
  ('3b92efac-61ec-4a8d-8083-01645883d8b7', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '8', 'user', 'one', '1', '0', 'true', '2026-11-25 12:07:35.573637+00'),
  ('c25198fc-0e27-42f8-9f61-f5f9b82b41e7', '71c79353-5074-41cb-9b80-ca4e6bf0596c', NULL, '9', 'assistant', 'two', '1', '0', 'true', '2026-11-25 12:07:35.573637+00');

INSERT INTO ledger_entries (id, session_id, kind, amount_msat, session_request_id, payment_hash, created_at) VALUES
  ('19d648ae-dccf-4a14-8199-dec01b991e45', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'deposit', '1000000', NULL, E'\\x460fe8be737ee27bc0ac10a83414a9c5cd0977269d1d7cdcb37fad7df96ae6fd', '2026-11-25 13:07:35.62665+00'),
  ('2cc12c29-e23a-4589-b36b-09e8913dde3a', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'charge', '-345', '413861fe-56ab-4ab6-94b7-9ecb7f18c9f3', NULL, '2026-11-25 13:07:35.643602+00'),
  ('3c857a3f-7ac0-470f-9460-4e6c979ede69', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'deposit', '500123', NULL, E'\\xf523f032e5eb07d65c864b7d4a3b728aa4e2c4a795648e15a5c8dc87ef2ab8ed', '2026-11-25 13:07:35.657347+00'),
  ('b5a71c1b-b524-429e-b4e2-5c789aa8422a', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'charge', '-237', 'ea3b3131-33d1-471f-9abf-9e2ee954e224', NULL, '2026-11-25 13:07:35.660792+00'),
  ('88072494-7770-467b-87a1-0d6e4e4c5ea6', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'charge', '-381', '5a7312ac-3bd5-4026-905b-a74d863d48ac', NULL, '2026-11-25 13:07:35.664099+00'),
  ('a4058352-75bb-428f-bc97-2ca0c2b01c8b', 'c225cb3f-27f6-4487-b1f1-7f38d69938ba', 'charge', '-312', 'ce41deb2-872f-417b-9d76-b25574f3a612', NULL, '2026-11-25 13:07:35.683212+00'),
  ('43d32115-ed54-49f5-a16e-7420d3c345a0', 'c427276e-f07b-4e8d-a19a-8c6300f46359', 'deposit', '50000', NULL, E'\\xc37d61134ef7884fc9bbc24f376a63641deedb867f0658fd314930293f47c045', '2026-11-25 13:07:35.692493+00'),
  ('57f2e065-b0db-4190-8b02-4380cbd0d454', 'c427276e-f07b-4e8d-a19a-8c6300f46359', 'charge', '-93', '1e6d2242-6a88-4651-9cf0-34af0d179413', NULL, '2026-11-25 13:07:35.694997+00'),
  ('6a5b2508-52a4-4dba-a724-eccd335c30f9', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'deposit', '100000', NULL, E'\\x46d3db3dcb854e2f6b9ab7372b6be10e13bca82731080768659a2e4031af1423', '2026-11-25 13:07:35.709157+00'),
  ('a0e4a327-7059-4f5d-8f28-02a508c113f4', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'charge', '-93', '9400b4c9-ecc5-4ceb-8a23-fbcc576b1088', NULL, '2026-11-25 13:07:35.712101+00'),
  ('7785ec20-baed-4bda-8843-a150bee4520a', '3c662bd1-9e75-42eb-9c8f-4694f2bb5cfa', 'charge', '-138', '35faf630-4eba-4ea3-997a-e4d6a4dc03ca', NULL, '2026-11-25 13:07:35.71477+00'),
  ('2686dbd2-4edf-4559-baff-bf8427b713b5', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'deposit', '200000', NULL, E'\\x94c40328aa362f3c17a3a1b4426cf8c8bf95adaf20d7d0b61a43c3a351f10340', '2026-11-25 13:07:35.728987+00'),
  ('68f5ec42-64be-4112-93b7-e38dc5d9d1a5', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'charge', '-81', '747c328d-705e-4c65-8bb9-7d882b7a85f5', NULL, '2026-11-25 13:07:35.762163+00'),
  ('5d81326f-abbd-4f7c-badd-0384b09de2f6', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'charge', '-63', '20df2601-04c6-40dc-965a-fecc0f05676e', NULL, '2026-11-25 13:07:35.834527+00'),
  ('70be8008-34a9-4fbe-9cbc-bf58de858110', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'charge', '-111', '92c934a8-6069-46b0-a631-feae2ed08c18', NULL, '2026-11-25 13:07:35.889943+00'),
  ('2ce38c98-5ce3-4760-9db3-df2825c76319', '2e5c85b5-d2de-452b-b4a3-1de71104062b', 'charge', '-180', '4d2d305b-a2cd-407b-b345-03ca32b4aa21', NULL, '2026-11-25 13:07:35.898439+00'),
  ('fd89e7a7-c6da-460b-96e5-3b8b3517fbc5', '3f30b85b-da54-4552-916d-9fa9f7113507', 'deposit', '10000', NULL, E'\\x21370fd4109c1b9cd5f4f1f16b079e330647eff1db1b7d5fa34543e23732a6ce', '2026-11-25 13:07:35.911695+00'),
  ('fcfb48e2-f236-46e7-966e-20b961629f91', '3f30b85b-da54-4552-916d-9fa9f7113507', 'charge', '-102', 'a46ba69e-946b-4542-b33b-beaa487233ea', NULL, '2026-11-25 13:07:35.914669+00'),
  ('07d5bd0e-6b13-41fb-8858-a14b68988e9a', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'deposit', '100000', NULL, E'\\x82fce1e69bc2b8d3cd64afedfcefb6147f5dee62024a6fbe9e167e4acf8f1037', '2026-11-25 13:07:35.93477+00'),
  ('d75e0ce6-4045-4b26-a6df-5b993e26ad79', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'charge', '-75', 'db874d0c-44f7-4f50-a914-da038a2420d0', NULL, '2026-11-25 13:07:35.936716+00'),
  ('cdc21889-2a2d-4d83-be23-15145ac39479', '910e3dd9-c7ec-421a-9797-615c08ee3322', 'charge', '-75', 'eb7c340a-2314-45b9-966d-e6ec9c47e6fe', NULL, '2026-11-25 13:07:35.939474+00'),
  ('9aabd07b-3e0d-40c3-8975-df4b85948f4d', 'e42b5377-d067-4202-b846-bfff7fe784fc', 'deposit', '40000', NULL, E'\\xf4642dfc0fc3d16257bfe998aae2a386b45448194224161d9f061c06f45233fa', '2026-11-25 13:07:35.94811+00'),
  ('438ec043-14e9-4d53-a775-968e96359011', 'e42b5377-d067-4202-b846-bfff7fe784fc', 'charge', '-78', '6c80f133-6dc5-4e83-8496-8b0286c44699', NULL, '2026-11-25 13:07:35.950169+00'),
  ('63ac4ff1-5fd2-4826-b74c-c94fc2925817', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'deposit', '100000', NULL, E'\\x55a75f23f691303b8e37a40a27321b25e8c043b833f3d0385e1f42cf418a44d3', '2026-11-25 13:07:35.959002+00'),
  ('6607b35b-16cd-47ca-8b0c-4130aa0f0483', 'faa040fb-e5e0-4275-840b-21d8cc780297', 'charge', '-129', 'f51ce426-c939-470a-bb61-2236b2091c68', NULL, '2026-11-25 13:07:35.961236+00');

INSERT INTO drizzle.__drizzle_migrations (id, hash, created_at) VALUES
  ('1', 'd50e523c5c0a4d19761a67612eea9df1c9c73da99ab953c0cf92c3cfde970b9f', '1795511375397'),
  ('2', '679cad65688b167208743d985d4b9dd9e341fb7df409cddda321b8dad4d2dd5c', '1795511378876'),
  ('3', 'efa80999ac4a615176082cd4b70c28e903bee6073846c274e5ff2b13f19005d3', '1795523617643');

SELECT setval('session_messages_seq_seq', (SELECT max(seq) FROM session_messages));

SELECT setval('drizzle.__drizzle_migrations_id_seq', (SELECT max(id) FROM drizzle.__drizzle_migrations));

COMMIT;
