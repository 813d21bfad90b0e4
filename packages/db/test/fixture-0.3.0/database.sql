-- A database of version 0.3.0.

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

-- Migration 0005_known_again

-- By what a turn and a top-up are known again, and when a session's messages changed. No table is rewritten. What servers of
-- version 0.2.0 call keeps its name, its parameters and its meaning, and passes on to what takes its place; what only servers of
-- version 0.1.0 called goes. The tables that change are locked first, in the order of every turn.
LOCK TABLE "sessions", "invoices", "session_requests" IN ACCESS EXCLUSIVE MODE;
ALTER TABLE "invoices" ADD COLUMN "idempotency_key" text;
ALTER TABLE "session_requests" ADD COLUMN "said_hash" "bytea";
ALTER TABLE "sessions" ADD COLUMN "messages_version" bigint DEFAULT 0 NOT NULL;
CREATE UNIQUE INDEX "invoices_one_per_key" ON "invoices" USING btree ("session_id","idempotency_key") WHERE "invoices"."idempotency_key" IS NOT NULL;
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_key_length" CHECK (length("invoices"."idempotency_key") BETWEEN 1 AND 255);
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_said_has_key" CHECK ("session_requests"."said_hash" IS NULL OR "session_requests"."idempotency_key" IS NOT NULL);
DROP FUNCTION reserve_turn(
  uuid, bytea, uuid, text, bytea, text, uuid, integer, bigint, bigint, bigint, integer, integer, bigint, bigint
);
DROP FUNCTION settle_turn(
  uuid, uuid, uuid, text, text, integer, integer, bigint, text, integer, integer, text, integer, integer
);
DROP FUNCTION release_turn(uuid, uuid, uuid);
DROP FUNCTION prompt_window(uuid, bigint, bigint);
-- Watching ---------------------------------------------------------------------------------------------------------------

-- Whoever changes the number of a session's messages has changed them, be it a server of version 0.2.0. What knows that it
-- changes them says so itself, which is cheaper.
CREATE FUNCTION raise_messages_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.messages_version := OLD.messages_version + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER sessions_messages_version BEFORE UPDATE ON sessions
  FOR EACH ROW WHEN (NEW.message_count <> OLD.message_count AND NEW.messages_version = OLD.messages_version)
  EXECUTE FUNCTION raise_messages_version();
-- Forgets a conversation; the balance, the requests and their charges stay. Busy: with the running request, and nothing was
-- removed. No row: no such session.
CREATE OR REPLACE FUNCTION forget_messages(p_session uuid, OUT outcome text, OUT request_id uuid) RETURNS SETOF record
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
  UPDATE sessions s SET message_count = 0, messages_version = s.messages_version + 1 WHERE s.id = p_session;
  outcome := 'forgotten'; request_id := NULL; RETURN NEXT;
END $$;
-- The turn ---------------------------------------------------------------------------------------------------------------

-- The first half of a turn: lets it in, takes the hold and returns the history; or says why not, and changes nothing:
-- not-found | mismatch, replay, busy (with request_id) | awaiting_payment, expired, closed | too-many-uncharged (with
-- retry_after_seconds) | insufficient (with required_msat) | ended: this very request ended before it was sent again.
CREATE FUNCTION reserve_turn(
  p_session uuid,
  p_key_hash bytea,
  p_request uuid,
  p_idempotency_key text,
  p_body_hash bytea,                  -- of the body with its defaults, as they are today
  p_said_hash bytea,                  -- of what was said of it; null: by a server of version 0.2.0
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
    SELECT r.id, r.state, coalesce(r.body_hash = p_body_hash OR r.said_hash = p_said_hash, false) AS same_body INTO v_answered
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
    id, session_id, idempotency_key, body_hash, said_hash, model, max_output_tokens, held_msat,
    history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at
  ) VALUES (
    p_request, p_session, p_idempotency_key, p_body_hash, p_said_hash, p_model, max_output_tokens, v_hold_msat,
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
  p_max_output_tokens integer, p_min_output_tokens integer, p_max_messages bigint, p_token_budget bigint,
  p_max_uncharged_turns integer
)
RETURNS TABLE (
  outcome text, request_id uuid, balance_msat bigint, held_msat bigint, required_msat bigint, max_output_tokens integer,
  history jsonb, history_messages integer, history_tokens integer, history_dropped integer, retry_after_seconds integer
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY SELECT * FROM reserve_turn(
    p_session, p_key_hash, p_request, p_idempotency_key, p_body_hash, NULL::bytea, p_model, p_owner, p_lease_ms, p_own_tokens,
    p_input_msat_per_ktoken, p_output_msat_per_ktoken, p_max_output_tokens, p_min_output_tokens, p_max_messages,
    p_token_budget, p_max_uncharged_turns
  );
END $$;
-- The second half of a turn: both messages, the charge, the balance and the request's end, or nothing at all. No row: fenced
-- off, since the request was ended by others, or belongs to another server. Sent again, it answers the same again.
CREATE OR REPLACE FUNCTION settle_turn(
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
  SET held_msat = s.held_msat - v_request.held_msat, message_count = s.message_count + 2,
      version = s.version + 1, messages_version = s.messages_version + 1,
      used_at = CASE WHEN s.used_at > settle_turn.finished_at - interval '1 hour' THEN s.used_at ELSE settle_turn.finished_at END
  WHERE s.id = p_session;
  INSERT INTO ledger_entries (session_id, session_request_id, kind, amount_msat, created_at)
  VALUES (p_session, p_request, 'charge', -charged_msat, settle_turn.finished_at);
  RETURN NEXT;
END $$;
-- Payments ---------------------------------------------------------------------------------------------------------------

-- Adds an invoice to a session, unless p_most of its newest can still be paid, or the key that it is asked for with has one.
-- added | too-many | known | not-found
CREATE FUNCTION add_invoice(
  p_session uuid, p_payment_hash bytea, p_bolt11 text, p_amount_msat bigint, p_expires_at timestamptz, p_most integer,
  p_idempotency_key text
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'not-found';
  END IF;
  PERFORM FROM invoices i WHERE i.session_id = p_session AND i.idempotency_key = p_idempotency_key;
  IF FOUND THEN
    RETURN 'known';
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
  INSERT INTO invoices (session_id, payment_hash, bolt11, amount_msat, created_at, expires_at, idempotency_key)
  VALUES (p_session, p_payment_hash, p_bolt11, p_amount_msat, v_now, p_expires_at, p_idempotency_key);
  RETURN 'added';
END $$;
CREATE OR REPLACE FUNCTION add_invoice(
  p_session uuid, p_payment_hash bytea, p_bolt11 text, p_amount_msat bigint, p_expires_at timestamptz, p_most integer
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN add_invoice(p_session, p_payment_hash, p_bolt11, p_amount_msat, p_expires_at, p_most, NULL);
END $$;
-- Gives an unpaid invoice to the key that it is asked for with, for good. False: it has another one, or the key has another one.
CREATE FUNCTION key_invoice(p_session uuid, p_payment_hash bytea, p_idempotency_key text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM FROM sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
  PERFORM FROM invoices i WHERE i.session_id = p_session AND i.idempotency_key = p_idempotency_key;
  IF FOUND THEN
    RETURN false;
  END IF;
  UPDATE invoices i SET idempotency_key = p_idempotency_key
  WHERE i.session_id = p_session AND i.payment_hash = p_payment_hash AND i.idempotency_key IS NULL AND i.paid_at IS NULL;
  RETURN FOUND;
END $$;

CREATE TABLE timmy_tower_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, version text);

INSERT INTO sessions (id, status, balance_msat, held_msat, message_count, created_at, used_at, version, uncharged_msat, uncharged_turns, uncharged_since, messages_version) VALUES
  ('120ce59e-cc52-44cf-8a42-d966e697ab27', 'active', '0', '0', '3', '2026-11-25 19:00:40.496312+00', '2026-11-25 19:00:40.631203+00', '3', '0', '0', NULL, '3'),
  ('77e831e3-4332-4680-a23f-8e158a0f2fb7', 'active', '0', '0', '0', '2026-11-25 19:00:40.66962+00', '2026-11-25 19:00:40.66962+00', '0', '0', '0', NULL, '0'),
  ('8a69f950-6201-447f-8c39-385642701feb', 'awaiting_payment', '0', '0', '0', '2026-11-25 19:00:40.882179+00', '2026-11-25 19:00:40.882179+00', '1', '0', '0', NULL, '0'),
  ('e9d5f293-eece-47a1-bef3-4252c8714b27', 'awaiting_payment', '0', '0', '0', '2026-11-25 19:00:40.894716+00', '2026-11-25 19:00:40.894716+00', '1', '0', '0', NULL, '0'),
  ('26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'active', '1498848', '0', '8', '2026-11-25 19:00:40.902887+00', '2026-11-25 19:00:41.003012+00', '20', '0', '0', NULL, '4'),
  ('35de7949-02bb-4bc4-b125-8281cf6e1ecf', 'expired', '49907', '0', '2', '2026-11-25 19:00:41.224614+00', '2026-10-25 19:00:41.303599+00', '8', '0', '0', NULL, '1'),
  ('c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'active', '99769', '0', '0', '2026-11-25 19:00:41.438469+00', '2026-11-25 19:00:41.511875+00', '10', '0', '0', NULL, '3'),
  ('7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'active', '199565', '0', '8', '2026-11-25 19:00:41.744043+00', '2026-11-25 19:00:41.775407+00', '17', '117', '1', '2026-11-25 19:00:42.121974+00', '4'),
  ('cb2e68fb-ea09-4c80-869d-8560f4efc5f6', 'active', '9898', '0', '2', '2026-11-25 19:00:42.814877+00', '2026-11-25 19:00:42.91457+00', '6', '0', '0', NULL, '1'),
  ('011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'active', '99865', '0', '4', '2026-11-25 19:00:42.930504+00', '2026-11-25 19:00:42.967536+00', '9', '0', '0', NULL, '2'),
  ('d717c0f1-2b25-4198-8272-1a74c08adb1b', 'closed', '39922', '0', '2', '2026-11-25 19:00:43.081485+00', '2026-11-25 19:00:43.166473+00', '7', '0', '0', NULL, '1'),
  ('eb9f4923-7208-4698-bb13-712369627118', 'active', '99871', '15459', '2', '2026-11-25 19:00:43.213155+00', '2026-11-25 19:00:43.267367+00', '7', '0', '0', NULL, '1');

INSERT INTO session_keys (session_id, key_hash, created_at) VALUES
  ('8a69f950-6201-447f-8c39-385642701feb', E'\\x0a3a52211c630d198de79d8cc339fda3d62dfa2d4b0d376d8f877a25e17302e7', '2026-11-25 19:00:40.882179+00'),
  ('e9d5f293-eece-47a1-bef3-4252c8714b27', E'\\x82f5f5c13b385caeeef454aa3a430f1e59c170da3f4bc198d993c8317981e269', '2026-11-25 19:00:40.894716+00'),
  ('26aa7d9d-897c-4d10-ae97-049292cfa6a7', E'\\xb5350c80fe390c354f93d4deb47a0b765c5cb18bd5c4dcfa047ab42db7ba250f', '2026-11-25 19:00:40.902887+00'),
  ('35de7949-02bb-4bc4-b125-8281cf6e1ecf', E'\\xbb58c06d197e5659e9c2dd7309a5b8db7cb41a3174e8337bd32903a38ab11605', '2026-11-25 19:00:41.224614+00'),
  ('c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', E'\\x50a3a61664608a6b2410f23072f8ba6264b7896cb3c692d6db35fc2a7fba55b9', '2026-11-25 19:00:41.438469+00'),
  ('7b52088b-1f27-4fcf-b1a7-6705a88b93b4', E'\\x0ec50e83ede71c8353c73248eb76ca16cb55be9dc8c799f5e265e89016672c5d', '2026-11-25 19:00:41.744043+00'),
  ('cb2e68fb-ea09-4c80-869d-8560f4efc5f6', E'\\x2ed003595b9e0e5049953a36308a7b62a67bc6386528066f11ea5e4e0563c82d', '2026-11-25 19:00:42.814877+00'),
  ('011c672c-e65c-417f-8d4f-c4ca54c0b02d', E'\\x2733beafb9934afa4ec120845e9b375aef5d301cd089d23b0cdf80957f97c6c8', '2026-11-25 19:00:42.930504+00'),
  ('d717c0f1-2b25-4198-8272-1a74c08adb1b', E'\\xed5265a4d4f16bfc84b3ec723fdebf3d5828f947f5ccc5d690ae4acdc73a20e1', '2026-11-25 19:00:43.081485+00'),
  ('eb9f4923-7208-4698-bb13-712369627118', E'\\x110d75371ea080e2a3ba4f983c269bedf91aa917ae90dc04752ef348f7c0f7d0', '2026-11-25 19:00:43.213155+00');

INSERT INTO invoices (payment_hash, session_id, bolt11, amount_msat, created_at, expires_at, paid_at, received_msat, next_lookup_at, idempotency_key) VALUES
  (E'\\x20574bea919d050a8ef50eb85ad03e22602c8620573e313d158a76cc42087b55', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'lnbcrt200n1p4swvzepp5ypt5h653n5zs4rh4p6u945p7yfszep3q2ulrz0g43fmvcssg0d2ssp5sshaxwd70wnkx7gvszxet6g9u50vwx9nhl4sal9rp5p0agqcw4pqdp8xgczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqdv6l6cjqglycdjssrny44dhdlslgq6jamanj5legl9k3unc2qxy9rtvv66lsp965xmr83wl8tn3pjet7e9tynef6xclm6ws9drrar4sq5vq08l', '20000', '2026-11-22 19:00:41.104717+00', '2026-11-23 19:00:41.104717+00', NULL, NULL, '2026-11-25 19:00:41.093496+00', NULL),
  (E'\\xe5e63f158cff4d1a74ba3c6c624d028b2c4aa48102144e4936c42633e0a038fb', 'e9d5f293-eece-47a1-bef3-4252c8714b27', 'lnbcrt1u1p4swvzcpp5uhnr79vvlax35a9683kxyngz3vky4fypqg2yujfkcsnr8c9q8rassp5h9j25nrm35du5pkzdzfmnzy66a9a4gtd4f0rjfw3qfjh7c2ltwesdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgq9wge7rkua8e0yq6qeathvhg3mhqsvcjhglfcead6gyvx6uvat2yyjdwcl9r6qk9khgzgpwdznufflljth4dcelpckc8lqtke3aadl0qq3p8dl0', '100000', '2026-11-25 17:00:40.894716+00', '2026-11-25 18:00:40+00', NULL, NULL, '2026-11-25 19:00:40.894716+00', NULL),
  (E'\\xddd492561336e53f81b85ca17295a54916e5790d898bbbf4515a896c02561d89', '8a69f950-6201-447f-8c39-385642701feb', 'lnbcrt1u1p4swvzcpp5mh2fy4snxmjnlqdctjsh99d9fytw27gd3x9mhaz3t2ykcqjkrkyssp5jjt3amjenf5sk8z5gw3kmug2dxsz2d04dlz7xl3zs9yhyq32w0kqdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqzh398nxxuk6trfq3k6d54t39aum0udkfgw2evsuw0r923tp5f74j73q9k26uel4rdgpg5mejpc43pdhlnpz3q3gkdhp5wzwsesvcnlqqvge5az', '100000', '2026-11-25 19:00:40.882179+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 19:00:40.882179+00', NULL),
  (E'\\x31f60107d5215b08e27617d78fbb58ca4f0e0fae194412d7f94223a97a9dbf05', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'lnbcrt10u1p4swvzcpp5x8mqzp74y9ds3cnkzltclw6cef8surawr9zp94legg36j75ahuzssp5nzls8nsjg5zqkaq802c40698ppgrju05fn60gt6c8cu3hjawttaqdp2xycrqvpqwdshgueqw3hjqarpd34jqar0yp2xjmtd0yxqrrsscqpj9qrsgqtz92lpqy0ye75ysgp90djz3vzh2fj8nqd3enydtm5ms2ws596nlrc63lf7qd5vdpc3vfv229wy669vexspvymjvh9zj5seduqrgsaqspp7urz3', '1000000', '2026-11-25 19:00:40.902887+00', '2026-11-25 20:00:40+00', '2026-11-25 19:00:40.913872+00', '1000000', NULL, NULL),
  (E'\\x3034f364f93eeb1fb0a03d23eaff148d770c62e919b8ca624b9c5ca21e5e21b0', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'lnbcrt5u1p4swvzcpp5xq60xe8e8m43lv9q85374lc534mscchfrxuv5cjtn3w2y8j7yxcqsp5fpvkzs3zdyngm4vd7tqmhnhdn26ax7dv26pcqq792dfwaxlay7nsdpgx5crqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqwa5xn5esth9klewdx3nvc63av7x8ztfqwyh3yy0k67f79eygcs6893q7vqrptcd8gs86slxes03k4c5sl2n577xhzuls8knxhpuqwfcpp8kj9s', '500000', '2026-11-25 19:00:40.95425+00', '2026-11-25 20:00:40+00', '2026-11-25 19:00:41.003012+00', '500123', NULL, NULL),
  (E'\\x59421cd40657fcbffa7830a677345daa10e0f839a5e2687655baa64cfca4b278', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'lnbcrt300n1p4swvzepp5t9ppe4qx2l7tl7ncxzn8wdza4ggwp7pe5h3xsaj4h2nyel9ykfuqsp52uh06ysavsjsqgcwq78wnqlzst39tyatzkcnrfrnkszkhqs38trqdp8xvczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgq9excm3fk0g3vp0vzjmkceezxx6kql8lrfv29lxk6yjdhn2qena0k2v4hu4yltpeejwtk8yyuh4kfcsuftvvzkjnpmf0jxfej3nf8m6qqwxlaur', '30000', '2026-11-25 19:00:41.146105+00', '2999-01-01 00:00:00+00', NULL, NULL, '2026-11-25 19:00:41.14584+00', NULL),
  (E'\\xbd3bf07b1c6567e6cf157730c0b952abb960a1b3acf2995e64b8644543cd3638', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', 'lnbcrt500n1p4swvzepp5h5alq7cuv4n7dnc4wucvpw2j4wukpgdn4nefjhnyhpjy2s7dxcuqsp5tktvhfqf9654eujjs4lnul2l2s6hn5lr0vgg7hmf53q042vtptksdp8x5czqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqckpeppcenccwwp3ez36cg9gnw0n5ulpz7wjg3zreemzq0efq7p6rp2ezxl4qu97n8r23wav4rlv3sv5lur2aagxhtjwfvn09kgn9d8qpn9a5nx', '50000', '2026-11-25 19:00:41.224614+00', '2026-11-25 20:00:41+00', '2026-11-25 19:00:41.303599+00', '50000', NULL, NULL),
  (E'\\x8e6f4db3f8ddd0753144ea8e09c7b0c27e0a01a5fd88858f9cb05d3590c98c7b', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'lnbcrt1u1p4swvzepp53eh5mvlcmhg82v2ya28qn3ascflq5qd9lkygtruukpwntyxf33assp587rupwu0z6p3etl472w72pjypn00zyh0n8xhy3m8xyjyaxt6pt2sdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqj3pf4lr46hms5l27wjyn86cw0xhldujumv4dp7m30nd73n3p3tphsyqdp585memjakxg67euj9ervptgfm2zprsg3gy55trlhws5lscqys8ncf', '100000', '2026-11-25 19:00:41.438469+00', '2026-11-25 20:00:41+00', '2026-11-25 19:00:41.511875+00', '100000', NULL, NULL),
  (E'\\xe2993ddfc3ebb2d5b13d29023b54bd2557ae5172ce2057dcf144cef35dacb4e6', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'lnbcrt2u1p4swvzepp5u2vnmh7rawedtvfa9yprk49ay4t6u5tjecs90h83gn80xhdvknnqsp5swr3hcwl0q68ckwvz2lj9cv9jx8v583vgxccm7ngkzkrwz5h0hnqdpgxgcrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqn9dawmacv5exn3tejyfsnmuuc4hus74v8yd9sxkezdtvzyu428fyz8ct8cm2at5q6r9f5cnzgqpnwd8d27l65pgt8nuarq7zq9s07gqpslthr8', '200000', '2026-11-25 19:00:41.744043+00', '2026-11-25 20:00:41+00', '2026-11-25 19:00:41.775407+00', '200000', NULL, NULL),
  (E'\\x1444493f4fd457253fd70250699be790f9b390ac691da9763465d5601e610c60', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', 'lnbcrt100n1p4swvz6pp5z3zyj06063tj207hqfgxnxl8jrum8y9vdyw6ja35vh2kq8npp3sqsp5skqj8salln5evwkasz0jse787qzxhyrx6sz7sznhevl2atkhz7rsdp8xyczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgqx9rv90r4gf267k3tapqw6tjtfhyca0jagqqeyur3sr67sqsl65lpmyvyrxygcxccpndd0uv58rqwv2n9k87220k7zvafjm6a32zngtcpzak6uu', '10000', '2026-11-25 19:00:42.814877+00', '2026-11-25 20:00:42+00', '2026-11-25 19:00:42.91457+00', '10000', NULL, NULL),
  (E'\\x177b0c33ea75920ee58fa6f270f7955c69278b98b1e723ccba07609e85f9923e', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'lnbcrt1u1p4swvz6pp5zaascvl2wkfqaev05me8pau4t35j0zuck8nj8n96qasfap0ejglqsp5x87apahcpzjep0rnxvvyeqyjfw3j2cx6wysdw65de0qc4wcu36vqdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgqkmxll407wp0c4vaf9vjgww724whd70e35jjwc5chgrulhkqrkdn49cpg60676l80zpk65gmx4n0lrudjmknq608svq93ydz2v02dppcq3muf7z', '100000', '2026-11-25 19:00:42.930504+00', '2026-11-25 20:00:42+00', '2026-11-25 19:00:42.967536+00', '100000', NULL, NULL),
  (E'\\x8cc9b9fbfe2f062d91e46ce4a7f461a963787fd6c3e36e3a6f8be2aeb244bcbd', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'lnbcrt400n1p4swvzmpp53nymn7l79urzmy0ydnj20arp493hsl7kc03kuwn03032avjyhj7ssp58g92shkp54s2zc6ev2hzq53jlwm9ylrue9c0k6dfgl79hck5xcdsdp8xsczqumpw3ejqar0yp6xzmrtyp6x7gz5d9kk67gxqrrsscqpj9qrsgque0cgka244h0nehp6kth6nyxqahq79w6d7rgnpqmr9sch5yd9n4zvrluyt5xlneg524svd2tczc4xpv9q7era935n0ewkpptm84ddjqptalras', '40000', '2026-11-25 19:00:43.081485+00', '2026-11-25 20:00:43+00', '2026-11-25 19:00:43.166473+00', '40000', NULL, NULL),
  (E'\\xa92668e83a1d3afc29edb8efe3003cc54a6c5bb6a03107b4b56c390d0851fc6e', 'eb9f4923-7208-4698-bb13-712369627118', 'lnbcrt1u1p4swvzmpp54ynx36p6r5a0c20dhrh7xqpuc49xckak5qcs0d94dsus6zz3l3hqsp5ghfa5mtnx9r08ehdrnp60s0d5dz43whafxwefa8nxkk9wjvpuw9qdpgxycrqgrnv968xgr5dus8gctvdvs8gmeq235k6mtexqrrsscqpj9qrsgq3dhyy7q2wxeu3ek5qe6g0zwmnl3yc8q77up9ayf68qnlvu8am838crcgvsw8mn3cxlrkl425fsluzssxws2r5nmrg2m6k5lymsufd5sqhhlflg', '100000', '2026-11-25 19:00:43.213155+00', '2026-11-25 20:00:43+00', '2026-11-25 19:00:43.267367+00', '100000', NULL, NULL);

INSERT INTO session_requests (id, session_id, idempotency_key, body_hash, state, incomplete_reason, model, max_output_tokens, input_tokens, output_tokens, held_msat, charged_msat, balance_msat, history_messages, history_tokens, history_dropped, lease_owner, lease_expires_at, cancel_requested_at, created_at, finished_at, reasoning_tokens, said_hash) VALUES
  ('aed8fef8-9e58-4aae-931a-44ddb5f10966', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'key-of-How-do-I-brew-coffee-', E'\\xb4c996e6b4823d3b34fa1525b3060e17aac6e0f74baede68840ce864875cef6a', 'completed', NULL, 'scripted', '1024', '10', '21', '15399', '345', '999655', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:55.927815+00', NULL, '2026-11-25 19:00:40.926734+00', '2026-11-25 19:00:40.936729+00', '0', E'\\x7293c6493c939c670fd2d846eccace56801049a60ccf123926bb84e88a45402b'),
  ('16aa0542-cdf4-4a32-badc-9615fdf24bf4', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'key-of-explain-step-', E'\\xe0214688f3b6bccf65df440e03caf483455324f5dfe709a9667d75ddbc653696', 'completed', NULL, 'scripted', '1024', '44', '7', '15525', '237', '1499541', '2', '19', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.01135+00', NULL, '2026-11-25 19:00:41.011141+00', '2026-11-25 19:00:41.026356+00', '0', E'\\x2893886c95e04f5db6841d2752eb4c335c5c74d9a21d2db574a4cde4817d83f8'),
  ('d45f07d3-412c-4a2f-b3ee-26171df713d2', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'key-of-make-it-shorter-', E'\\x95092f1054694538405aa18025629315ffeab2760d8192ab24a9483ed30f4def', 'completed', NULL, 'scripted', '1024', '62', '13', '15594', '381', '1499160', '4', '28', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.043868+00', NULL, '2026-11-25 19:00:41.043655+00', '2026-11-25 19:00:41.05061+00', '0', E'\\xe6019d2d534f8bfb05043ef077628300b13a3e7d88625308caeae5f3e6b9705b'),
  ('9a58c153-55c5-4767-9528-9d990e0b652d', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'key-of-Thanks-', E'\\xb430a75c027f6382a20470daa9274dcaa8e051f643c74a048356dfbcf13237a1', 'completed', NULL, 'scripted', '100', '84', '4', '1815', '312', '1498848', '6', '40', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.159543+00', NULL, '2026-11-25 19:00:41.159327+00', '2026-11-25 19:00:41.181729+00', '0', E'\\x3ff8a978b5f15476f7b5a34e3173086b1603ec2e4129308ab413a00ea28ffd8b'),
  ('57582ef1-a459-4c79-9553-c9ec581934ac', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', 'key-of-See-you-', E'\\xf5fc8161797b93f90d58a32070a3f572dba6a1c89077e4505e36f247a456c6e6', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '49907', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.328641+00', NULL, '2026-11-25 19:00:41.328451+00', '2026-11-25 19:00:41.34639+00', '0', E'\\xdf9e4bcd3296e2f65292ffd9c44e91f3721416c4ba8f2630b892df33188909b3'),
  ('9b674bf7-3962-45da-9d83-4652c6092135', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'key-of-My-secret-', E'\\xeaf4cdd9de56a63aac74c31ea37a976cee7f0dda66c3c8af0fd995717bfdcb2f', 'completed', NULL, 'scripted', '1024', '6', '5', '15384', '93', '99907', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.641701+00', NULL, '2026-11-25 19:00:41.641528+00', '2026-11-25 19:00:41.649737+00', '0', E'\\x2c2f57b44c998eda9d653b47acbd06a8a5e6262d27438f87b994e8a2390e6885'),
  ('dbbd26dc-790c-47f7-8e5d-63c8d0d9e819', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'key-of-Forget-it-', E'\\xb64d8a95fa1a74a69221bd9b4a270db35ac79313f3b24441c31a015bf88095ea', 'completed', NULL, 'scripted', '1024', '21', '5', '15441', '138', '99769', '2', '7', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.660206+00', NULL, '2026-11-25 19:00:41.659988+00', '2026-11-25 19:00:41.689772+00', '0', E'\\xcc75fa9c608e124b5805264d57456b94273f47ed44c7b61a50e2913503f982a2'),
  ('c20ee26c-09f2-4ab4-b77b-fac8f8ce4c16', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'key-of-Count-to-ten-', E'\\xfa9d41b198edc52ba6f85df28625fa855838d9dda200a8db3fa9bf613cd90346', 'incomplete', 'cancelled', 'scripted', '1024', '7', '4', '15387', '81', '199919', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.825428+00', '2026-11-25 19:00:41.866986+00', '2026-11-25 19:00:41.823539+00', '2026-11-25 19:00:41.869098+00', '0', E'\\xb79a38f51c88751e2b8e1656ad244ba2e5f1522b3c073b815877a372ff4a9aa1'),
  ('8ac3d974-e586-48d8-a729-7c4ba7a5f3cf', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'key-of-Say-nothing-', E'\\x806b47408a8a8f63b91e9db5421a1f28371606ed3bb5607d86d4edb398adb819', 'incomplete', 'cancelled', 'scripted', '1024', '21', '0', '15441', '63', '199856', '2', '6', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:56.935186+00', '2026-11-25 19:00:41.970817+00', '2026-11-25 19:00:41.934897+00', '2026-11-25 19:00:41.979408+00', '0', E'\\x898bc3809d0c47e5d549ced0d564df485edd83289d2be7b1157973f89851a815'),
  ('e0bb0aa3-24f0-440b-af3a-a47023562b3e', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'key-of-A-long-story-', E'\\x5b0b9cdf4d5c8016a88de8b1523ccf9e602c8253f8bb00f0f1e7d3777e03febe', 'incomplete', 'max-output-tokens', 'scripted', '16', '22', '3', '324', '111', '199745', '2', '6', '2', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:57.05771+00', NULL, '2026-11-25 19:00:42.057502+00', '2026-11-25 19:00:42.080708+00', '0', E'\\x6148cc234e353619d53348b02a32aaa6163242f348b640a927b9a8856dbd1b93'),
  ('ea3da510-0222-4286-b170-6b67226240c1', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'key-of-Fail-', E'\\x35133a810d86f4cb22b5f330e6cfafe43e191b1b11cf5facb1a651fa8bca0989', 'failed', NULL, 'scripted', '1024', NULL, NULL, '15489', '0', '199745', '4', '12', '2', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:57.084074+00', NULL, '2026-11-25 19:00:42.083928+00', '2026-11-25 19:00:42.121974+00', NULL, E'\\xa13c7a1ca6bdb77953f4b090986a5ad69e08f3f6e1bd8518e2fc8bbdf3eeb293'),
  ('37b1776f-aebf-474e-a7e6-bac9a07f0974', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'key-of-Go-on-', E'\\x3ef2e10146ee76f40aeef8ec64d34f939717d3c90ece636b0d1dacc1a3accf19', 'completed', NULL, 'scripted', '1024', '35', '5', '15492', '180', '199565', '4', '12', '2', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:57.159753+00', NULL, '2026-11-25 19:00:42.15956+00', '2026-11-25 19:00:42.18932+00', '0', E'\\x1bf4d5f24a599029637f0e8c7dc9bcfec904d4cda1601bdfc1fb38c0fe7e2d47'),
  ('41a262b5-e54c-4303-b3e0-e0488e371c27', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', 'key-of-As-long-as-it-lasts-', E'\\x504ab24682c1a7f7ce71de253fe0c110688bd5ef28d1683ebb8ab3222f06eb2d', 'incomplete', 'balance', 'scripted', '664', '9', '5', '10000', '102', '9898', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:57.92165+00', NULL, '2026-11-25 19:00:42.921489+00', '2026-11-25 19:00:42.926083+00', '0', E'\\x4e4bb98df4436ffa860a4fda29c31661c82a81bdf4e1047aaffd4fa65dbfb300'),
  ('a6150b2f-13bb-4bdf-ad04-b8a284952aff', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'key-of-Hello-', E'\\xabe11060c9122af409b40d071488593aef7047455a86b639d2eda895c2032006', 'completed', NULL, 'scripted', '1024', '5', '4', '15381', '75', '99925', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:57.997128+00', NULL, '2026-11-25 19:00:42.996918+00', '2026-11-25 19:00:43.021917+00', '0', E'\\xd6d0ff485dd7327a6ca7eb8fa2486e4aee7398d1d31bde79007ad73fcdae5fde'),
  ('ba6da761-7377-4fff-9bc6-ea2769e0b72f', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'key-of-Anyone-there-', E'\\xc8db64e144debd6f0381573e45187aa19df96f6e0519a3d63f44ddd6b1a1bd12', 'incomplete', 'empty', 'scripted', '1024', '20', '0', '15435', '60', '99865', '2', '5', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:58.0617+00', NULL, '2026-11-25 19:00:43.061513+00', '2026-11-25 19:00:43.067436+00', '0', E'\\x7f55b6449a88fa1a541ac84686ba32e7bc89f97eaf014aa7ffe92c1cba47a45f'),
  ('fe05b7ad-57f3-4699-939f-39632a68c3f0', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'key-of-Goodbye-', E'\\x7d572a207fbad413015b662d50c140d9fddd9dae73f5c4849dc17c2b5d856ff5', 'completed', NULL, 'scripted', '1024', '6', '4', '15384', '78', '39922', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:58.173246+00', NULL, '2026-11-25 19:00:43.173078+00', '2026-11-25 19:00:43.181637+00', '0', E'\\x2299e12ead0a60b64b24a229f18a28509be40c506ee67eb9481983654ab57989'),
  ('f8721b70-7179-4718-848e-359b45eabbf2', 'eb9f4923-7208-4698-bb13-712369627118', 'key-of-Are-you-well-', E'\\x32f4da1db3ab676105e9d9534daad726e5878dbeebd5c57a277bd0ce8d801739', 'completed', NULL, 'scripted', '1024', '8', '7', '15390', '129', '99871', '0', '0', '0', '18ba3e34-c92f-443c-987c-3d433cf9a1ff', '2026-11-25 19:00:58.273613+00', NULL, '2026-11-25 19:00:43.273479+00', '2026-11-25 19:00:43.275788+00', '0', E'\\x13b7772de0dc453a7ba4fe080556ad1754922b23a6d7d16e7b3b4fa884a8e446'),
  ('50885e80-88d2-4ccc-b5b3-23ba4fc3d844', 'eb9f4923-7208-4698-bb13-712369627118', 'key-of-Still-there-', E'\\x0d652d905139139bd482b8bd57c29d6170c4df51332f265d2069108a52639b0e', 'running', NULL, 'scripted', '1024', NULL, NULL, '15459', NULL, NULL, '2', '9', '0', '60b58553-29b0-489e-ac4e-5f5b16bbe97d', '2026-11-25 19:00:58.391466+00', NULL, '2026-11-25 19:00:43.291261+00', NULL, NULL, E'\\xd5199a1aa389cb40961880daedb9ac54a7c02622b2bd9179a670c3ef88720cb5');

INSERT INTO session_messages (id, session_id, session_request_id, seq, role, content, token_count, prompt_tokens, in_prompts, created_at) OVERRIDING SYSTEM VALUE VALUES
  ('6bedf541-39f1-42f6-8860-29120aba7ad7', '120ce59e-cc52-44cf-8a42-d966e697ab27', NULL, '1', 'user', 'How do I brew coffee?', '6', '0', 'true', '2026-11-25 19:00:40.539179+00'),
  ('d7a7ab47-3173-4834-812b-bfaac4977ea3', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'aed8fef8-9e58-4aae-931a-44ddb5f10966', '10', 'user', 'How do I brew coffee?', '6', '6', 'true', '2026-11-25 19:00:40.936771+00'),
  ('8a564156-f445-40c6-a578-b4193ae916c1', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'aed8fef8-9e58-4aae-931a-44ddb5f10966', '11', 'assistant', E'1. Grind.\n2. Pour — at 94 °C.\n3. Wait: don''t stir.', '13', '21', 'true', '2026-11-25 19:00:40.936771+00'),
  ('9cac1d24-b4d8-4b1f-8e11-154049bdbf7d', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', '16aa0542-cdf4-4a32-badc-9615fdf24bf4', '12', 'user', 'explain step 2', '4', '5', 'true', '2026-11-25 19:00:41.026378+00'),
  ('8ccc0d34-f63f-4a66-8120-9aa341f1185f', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', '16aa0542-cdf4-4a32-badc-9615fdf24bf4', '13', 'assistant', 'Said: explain step 2', '5', '7', 'true', '2026-11-25 19:00:41.026378+00'),
  ('45f5becb-397e-425c-af91-b078a6df3cfc', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'd45f07d3-412c-4a2f-b3ee-26171df713d2', '14', 'user', 'make it shorter', '4', '3', 'true', '2026-11-25 19:00:41.050632+00'),
  ('efbbe34f-4885-4282-ac35-a50ecaebc6d2', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'd45f07d3-412c-4a2f-b3ee-26171df713d2', '15', 'assistant', E'Grind, pour, wait ☕ (C:\\coffee)', '8', '13', 'true', '2026-11-25 19:00:41.050632+00'),
  ('651f8ae4-696e-4ed0-87ba-761c69b4e298', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', '9a58c153-55c5-4767-9528-9d990e0b652d', '16', 'user', 'Thanks', '2', '1', 'true', '2026-11-25 19:00:41.181752+00'),
  ('54e0f6d8-99ac-48e8-b0e7-113b1f1256eb', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', '9a58c153-55c5-4767-9528-9d990e0b652d', '17', 'assistant', 'Said: Thanks', '3', '4', 'true', '2026-11-25 19:00:41.181752+00'),
  ('ae1ee141-bbe2-4189-a429-2ff90a2a2dfe', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', '57582ef1-a459-4c79-9553-c9ec581934ac', '18', 'user', 'See you', '2', '2', 'true', '2026-11-25 19:00:41.346412+00'),
  ('3b4417b9-6de8-442e-8cb8-6d6150e5bb5d', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', '57582ef1-a459-4c79-9553-c9ec581934ac', '19', 'assistant', 'Said: See you', '4', '5', 'true', '2026-11-25 19:00:41.346412+00'),
  ('c520f5af-9a67-4b79-8de1-bc1f29473a42', '120ce59e-cc52-44cf-8a42-d966e697ab27', NULL, '2', 'assistant', '1. Grind. 2. Pour. 3. Wait.', '7', '0', 'true', '2026-11-25 19:00:40.597955+00'),
  ('b6104c49-aee1-4062-a598-1a2a57b069cf', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'c20ee26c-09f2-4ab4-b77b-fac8f8ce4c16', '24', 'user', 'Count to ten', '3', '3', 'true', '2026-11-25 19:00:41.86912+00'),
  ('af1175ca-4223-4f6d-a82b-ffaa1d7781a6', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'c20ee26c-09f2-4ab4-b77b-fac8f8ce4c16', '25', 'assistant', 'One, two,', '3', '4', 'true', '2026-11-25 19:00:41.86912+00'),
  ('5994898f-00d1-4286-964f-e1ce7051aeff', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', '8ac3d974-e586-48d8-a729-7c4ba7a5f3cf', '26', 'user', 'Say nothing', '3', '2', 'false', '2026-11-25 19:00:41.97943+00'),
  ('8aaf70bf-7013-40c7-9e74-35a6a63fd418', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', '8ac3d974-e586-48d8-a729-7c4ba7a5f3cf', '27', 'assistant', '', '0', '0', 'false', '2026-11-25 19:00:41.97943+00'),
  ('ee50c5b9-f552-49c4-9592-857fa460527a', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'e0bb0aa3-24f0-440b-af3a-a47023562b3e', '28', 'user', 'A long story', '3', '3', 'true', '2026-11-25 19:00:42.08073+00'),
  ('5b4e9ead-12ef-4fee-90e3-47a37b5e3f21', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'e0bb0aa3-24f0-440b-af3a-a47023562b3e', '29', 'assistant', 'Once upon a', '3', '3', 'true', '2026-11-25 19:00:42.08073+00'),
  ('3247cd36-3808-487d-810a-ad0bdfa54072', '120ce59e-cc52-44cf-8a42-d966e697ab27', NULL, '3', 'user', 'Make it shorter.', '4', '0', 'true', '2026-11-25 19:00:40.644844+00'),
  ('ebe6798b-d17a-470f-bbdf-489c11fc2db2', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', '37b1776f-aebf-474e-a7e6-bac9a07f0974', '30', 'user', 'Go on', '2', '2', 'true', '2026-11-25 19:00:42.189341+00'),
  ('6a36849b-35ca-4a42-9073-c5eb3df9ef50', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', '37b1776f-aebf-474e-a7e6-bac9a07f0974', '31', 'assistant', 'Said: Go on', '3', '5', 'true', '2026-11-25 19:00:42.189341+00'),
  ('71adaa0f-e632-4373-af63-f95b2396dc1b', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', '41a262b5-e54c-4303-b3e0-e0488e371c27', '32', 'user', 'As long as it lasts', '5', '5', 'true', '2026-11-25 19:00:42.926102+00'),
  ('cfed08b5-3f37-42ad-8152-668b0691674c', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', '41a262b5-e54c-4303-b3e0-e0488e371c27', '33', 'assistant', 'As long as the balance', '6', '5', 'true', '2026-11-25 19:00:42.926102+00'),
  ('9e832073-61a9-4540-ae4e-e7b84a196d95', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'a6150b2f-13bb-4bdf-ad04-b8a284952aff', '34', 'user', 'Hello', '2', '1', 'true', '2026-11-25 19:00:43.021937+00'),
  ('e94baac2-b749-4be7-8032-9da8f95b7875', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'a6150b2f-13bb-4bdf-ad04-b8a284952aff', '35', 'assistant', 'Said: Hello', '3', '4', 'true', '2026-11-25 19:00:43.021937+00'),
  ('e35ef970-9923-4cc6-9517-e97c6d6a84d5', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'ba6da761-7377-4fff-9bc6-ea2769e0b72f', '36', 'user', 'Anyone there?', '4', '3', 'false', '2026-11-25 19:00:43.067457+00'),
  ('1a519404-3f08-4434-84b0-09fd503e0192', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'ba6da761-7377-4fff-9bc6-ea2769e0b72f', '37', 'assistant', '', '0', '0', 'false', '2026-11-25 19:00:43.067457+00'),
  ('db0c6f1c-48f0-4550-a753-17bd759fe5f5', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'fe05b7ad-57f3-4699-939f-39632a68c3f0', '38', 'user', 'Goodbye', '2', '2', 'true', '2026-11-25 19:00:43.181657+00'),
  ('c009a817-c5ab-4085-a545-59a1275c6f0d', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'fe05b7ad-57f3-4699-939f-39632a68c3f0', '39', 'assistant', 'Said: Goodbye', '4', '4', 'true', '2026-11-25 19:00:43.181657+00'),
  ('9d17f44b-d2f2-474a-907e-58dcdabb6aef', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '4', 'user', 'three', '2', '0', 'true', '2026-11-25 19:00:40.678039+00'),
  ('a309c327-bf4a-4aa2-be4c-2b5874e46c83', 'eb9f4923-7208-4698-bb13-712369627118', 'f8721b70-7179-4718-848e-359b45eabbf2', '40', 'user', 'Are you well?', '4', '4', 'true', '2026-11-25 19:00:43.275807+00'),
  ('a54d2f05-996d-4d00-9a7f-4dc0e47b7b80', 'eb9f4923-7208-4698-bb13-712369627118', 'f8721b70-7179-4718-848e-359b45eabbf2', '41', 'assistant', 'Said: Are you well?', '5', '7', 'true', '2026-11-25 19:00:43.275807+00'),
  ('ae9f1618-778b-47d2-b07e-85e8fef9b0be', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '5', 'assistant', 'four', '1', '0', 'true', '2026-11-25 19:00:40.678039+00'),
  ('b6ceedca-2007-42ef-abc5-8a141f5d62d4', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '6', 'user', 'five', '1', '0', 'true', '2026-11-25 19:00:40.678039+00'),
  ('31c749b3-0b5b-4c26-a6b8-43de95cad954', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '7', 'assistant', 'six', '1', '0', 'true', '2026-11-25 19:00:40.678039+00'),
  ('bab006d0-4195-45cf-8eb3-f2f64b773271', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '8', 'user', 'one', '1', '0', 'true', '2026-11-25 18:00:40.697511+00'),
  ('80f07cfb-5842-42a2-b554-44eb1c83024d', '77e831e3-4332-4680-a23f-8e158a0f2fb7', NULL, '9', 'assistant', 'two', '1', '0', 'true', '2026-11-25 18:00:40.697511+00');

INSERT INTO ledger_entries (id, session_id, kind, amount_msat, session_request_id, payment_hash, created_at) VALUES
  ('e9b96949-5cd8-4bab-a91b-9cc1e9304bc0', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'deposit', '1000000', NULL, E'\\x31f60107d5215b08e27617d78fbb58ca4f0e0fae194412d7f94223a97a9dbf05', '2026-11-25 19:00:40.913872+00'),
  ('dc05a2d8-5f8d-41ea-8364-cf40584961f9', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'charge', '-345', 'aed8fef8-9e58-4aae-931a-44ddb5f10966', NULL, '2026-11-25 19:00:40.936729+00'),
  ('47bad0db-9cfa-40c1-81e2-4fd7786a7c0e', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'deposit', '500123', NULL, E'\\x3034f364f93eeb1fb0a03d23eaff148d770c62e919b8ca624b9c5ca21e5e21b0', '2026-11-25 19:00:41.003012+00'),
  ('3a7f1e0c-3bc6-4d65-a763-2b04f5835ac3', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'charge', '-237', '16aa0542-cdf4-4a32-badc-9615fdf24bf4', NULL, '2026-11-25 19:00:41.026356+00'),
  ('bcf19549-6c46-4add-8ddd-dd4ff53b17e6', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'charge', '-381', 'd45f07d3-412c-4a2f-b3ee-26171df713d2', NULL, '2026-11-25 19:00:41.05061+00'),
  ('711168b1-9a5a-44ca-97f6-cbc1968c7d41', '26aa7d9d-897c-4d10-ae97-049292cfa6a7', 'charge', '-312', '9a58c153-55c5-4767-9528-9d990e0b652d', NULL, '2026-11-25 19:00:41.181729+00'),
  ('a78181a7-1fe1-4c00-a459-4f1d724e1716', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', 'deposit', '50000', NULL, E'\\xbd3bf07b1c6567e6cf157730c0b952abb960a1b3acf2995e64b8644543cd3638', '2026-11-25 19:00:41.303599+00'),
  ('746a2632-4e98-428e-b3ab-ababac28adb5', '35de7949-02bb-4bc4-b125-8281cf6e1ecf', 'charge', '-93', '57582ef1-a459-4c79-9553-c9ec581934ac', NULL, '2026-11-25 19:00:41.34639+00'),
  ('a088568c-77e5-4cf4-aac2-475773c02fc9', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'deposit', '100000', NULL, E'\\x8e6f4db3f8ddd0753144ea8e09c7b0c27e0a01a5fd88858f9cb05d3590c98c7b', '2026-11-25 19:00:41.511875+00'),
  ('8b2561f8-f09e-4843-b19e-036d808429a5', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'charge', '-93', '9b674bf7-3962-45da-9d83-4652c6092135', NULL, '2026-11-25 19:00:41.649737+00'),
  ('b445da1a-456f-499d-bf17-70444512d20f', 'c4beddd0-fe03-401d-bbc1-a3edc6c79d8d', 'charge', '-138', 'dbbd26dc-790c-47f7-8e5d-63c8d0d9e819', NULL, '2026-11-25 19:00:41.689772+00'),
  ('13236654-ff56-4a6c-a08a-df1b64375f27', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'deposit', '200000', NULL, E'\\xe2993ddfc3ebb2d5b13d29023b54bd2557ae5172ce2057dcf144cef35dacb4e6', '2026-11-25 19:00:41.775407+00'),
  ('c63f8c23-d035-4cdc-910d-677592bd2406', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'charge', '-81', 'c20ee26c-09f2-4ab4-b77b-fac8f8ce4c16', NULL, '2026-11-25 19:00:41.869098+00'),
  ('e0406223-4749-4f8e-abec-4c0bbeeada32', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'charge', '-63', '8ac3d974-e586-48d8-a729-7c4ba7a5f3cf', NULL, '2026-11-25 19:00:41.979408+00'),
  ('ef812bb3-36da-482c-9378-234405213e47', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'charge', '-111', 'e0bb0aa3-24f0-440b-af3a-a47023562b3e', NULL, '2026-11-25 19:00:42.080708+00'),
  ('a235353e-7a7e-4dc7-8d46-87db74645c16', '7b52088b-1f27-4fcf-b1a7-6705a88b93b4', 'charge', '-180', '37b1776f-aebf-474e-a7e6-bac9a07f0974', NULL, '2026-11-25 19:00:42.18932+00'),
  ('0a75596c-be95-4e88-9839-d0a2d945883a', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', 'deposit', '10000', NULL, E'\\x1444493f4fd457253fd70250699be790f9b390ac691da9763465d5601e610c60', '2026-11-25 19:00:42.91457+00'),
  ('17fe992e-f1de-4856-a765-f731f8f92e9e', 'cb2e68fb-ea09-4c80-869d-8560f4efc5f6', 'charge', '-102', '41a262b5-e54c-4303-b3e0-e0488e371c27', NULL, '2026-11-25 19:00:42.926083+00'),
  ('a037b623-dc43-4428-b271-7307768673b6', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'deposit', '100000', NULL, E'\\x177b0c33ea75920ee58fa6f270f7955c69278b98b1e723ccba07609e85f9923e', '2026-11-25 19:00:42.967536+00'),
  ('d0ed387b-fa7d-4f5c-88e7-13c65967bb20', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'charge', '-75', 'a6150b2f-13bb-4bdf-ad04-b8a284952aff', NULL, '2026-11-25 19:00:43.021917+00'),
  ('5d909f12-cbf9-4c31-bc27-e2aacb96ec84', '011c672c-e65c-417f-8d4f-c4ca54c0b02d', 'charge', '-60', 'ba6da761-7377-4fff-9bc6-ea2769e0b72f', NULL, '2026-11-25 19:00:43.067436+00'),
  ('babca584-f658-4c67-aa65-a05e9d1becec', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'deposit', '40000', NULL, E'\\x8cc9b9fbfe2f062d91e46ce4a7f461a963787fd6c3e36e3a6f8be2aeb244bcbd', '2026-11-25 19:00:43.166473+00'),
  ('97dcbc23-ab7b-4b06-b0fb-0f5e4739a637', 'd717c0f1-2b25-4198-8272-1a74c08adb1b', 'charge', '-78', 'fe05b7ad-57f3-4699-939f-39632a68c3f0', NULL, '2026-11-25 19:00:43.181637+00'),
  ('aaf78186-2907-4a57-94b0-189538509d2d', 'eb9f4923-7208-4698-bb13-712369627118', 'deposit', '100000', NULL, E'\\xa92668e83a1d3afc29edb8efe3003cc54a6c5bb6a03107b4b56c390d0851fc6e', '2026-11-25 19:00:43.267367+00'),
  ('30dc5739-46d3-4de7-9c05-3b6a8c0a8c38', 'eb9f4923-7208-4698-bb13-712369627118', 'charge', '-129', 'f8721b70-7179-4718-848e-359b45eabbf2', NULL, '2026-11-25 19:00:43.275788+00');

INSERT INTO timmy_tower_migrations (id, hash, created_at, version) VALUES
  ('1', 'd50e523c5c0a4d19761a67612eea9df1c9c73da99ab953c0cf92c3cfde970b9f', '1795511375397', '0.3.0'),
  ('2', '679cad65688b167208743d985d4b9dd9e341fb7df409cddda321b8dad4d2dd5c', '1795511378876', '0.3.0'),
  ('3', 'efa80999ac4a615176082cd4b70c28e903bee6073846c274e5ff2b13f19005d3', '1795523617643', '0.3.0'),
  ('4', 'a826dcfc96140a4bbe8ee28a1d092b4504388fd5fedce0090dd64196e2996248', '1795610243378', '0.3.0'),
  ('5', '7a77cfbf49fe8ceea6935936a1cfaa282917ed15631c43bd87655876e28cb310', '1795610354735', '0.3.0'),
  ('6', '11d1dbb53cc17c00c186974ea84cc09c3b4a78ac0728c90d7950295026931613', '1795622398201', '0.3.0');

SELECT setval('session_messages_seq_seq', (SELECT max(seq) FROM session_messages));

SELECT setval('timmy_tower_migrations_id_seq', (SELECT max(id) FROM timmy_tower_migrations));

COMMIT;
