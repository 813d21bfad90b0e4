-- By what a turn and a top-up are known again, and when a session's messages changed. No table is rewritten. What servers of
-- version 0.2.0 call keeps its name, its parameters and its meaning, and passes on to what takes its place; what only servers of
-- version 0.1.0 called goes. The tables that change are locked first, in the order of every turn.
LOCK TABLE "sessions", "invoices", "session_requests" IN ACCESS EXCLUSIVE MODE;
--> statement-breakpoint
ALTER TABLE "invoices" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "session_requests" ADD COLUMN "said_hash" "bytea";--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "messages_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "invoices_one_per_key" ON "invoices" USING btree ("session_id","idempotency_key") WHERE "invoices"."idempotency_key" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_key_length" CHECK (length("invoices"."idempotency_key") BETWEEN 1 AND 255);--> statement-breakpoint
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_said_has_key" CHECK ("session_requests"."said_hash" IS NULL OR "session_requests"."idempotency_key" IS NOT NULL);
--> statement-breakpoint
DROP FUNCTION reserve_turn(
  uuid, bytea, uuid, text, bytea, text, uuid, integer, bigint, bigint, bigint, integer, integer, bigint, bigint
);
--> statement-breakpoint
DROP FUNCTION settle_turn(
  uuid, uuid, uuid, text, text, integer, integer, bigint, text, integer, integer, text, integer, integer
);
--> statement-breakpoint
DROP FUNCTION release_turn(uuid, uuid, uuid);
--> statement-breakpoint
DROP FUNCTION prompt_window(uuid, bigint, bigint);
--> statement-breakpoint

-- Watching ---------------------------------------------------------------------------------------------------------------

-- Whoever changes the number of a session's messages has changed them, be it a server of version 0.2.0. What knows that it
-- changes them says so itself, which is cheaper.
CREATE FUNCTION raise_messages_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.messages_version := OLD.messages_version + 1;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER sessions_messages_version BEFORE UPDATE ON sessions
  FOR EACH ROW WHEN (NEW.message_count <> OLD.message_count AND NEW.messages_version = OLD.messages_version)
  EXECUTE FUNCTION raise_messages_version();
--> statement-breakpoint
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
--> statement-breakpoint

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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint

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
--> statement-breakpoint
CREATE OR REPLACE FUNCTION add_invoice(
  p_session uuid, p_payment_hash bytea, p_bolt11 text, p_amount_msat bigint, p_expires_at timestamptz, p_most integer
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN add_invoice(p_session, p_payment_hash, p_bolt11, p_amount_msat, p_expires_at, p_most, NULL);
END $$;
--> statement-breakpoint
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
