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
--> statement-breakpoint
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
--> statement-breakpoint
ALTER FUNCTION settle_turn RESET jit;
--> statement-breakpoint
DROP FUNCTION history_window;
