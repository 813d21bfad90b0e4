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
--> statement-breakpoint
-- After the insert, so that an entry refused by a unique key never moves the balance.
CREATE TRIGGER ledger_entries_apply AFTER INSERT ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION apply_ledger_entry();
--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change('ledger entries are never changed or removed');
--> statement-breakpoint
-- TRUNCATE fires no row's trigger; with CASCADE it reaches the ledger from every table that it refers to.
CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('ledger entries are never changed or removed');
--> statement-breakpoint
CREATE TRIGGER sessions_balance_is_the_ledger BEFORE UPDATE OF balance_msat ON sessions
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change('a balance changes by a ledger entry only');
--> statement-breakpoint
CREATE TRIGGER sessions_start_without_balance BEFORE INSERT ON sessions
  FOR EACH ROW WHEN (NEW.balance_msat <> 0) EXECUTE FUNCTION refuse_change('a balance changes by a ledger entry only');
--> statement-breakpoint

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
--> statement-breakpoint
-- When to say that a new message was said: now by the clock, but never before the newest message, should the clock step back.
CREATE FUNCTION next_message_time(p_session uuid) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT greatest(
    clock_timestamp(),
    (SELECT m.created_at FROM session_messages m WHERE m.session_id = p_session ORDER BY m.created_at DESC, m.seq DESC LIMIT 1)
  )
$$;
--> statement-breakpoint

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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint

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
