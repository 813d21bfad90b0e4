-- What a turn shows the model: whole turns, the last of them clipped, and what is recalled from before them. No table is rewritten.
-- What servers of version 0.3.0 call keeps its name, its parameters and its meaning: their reserve_turn, of 17 parameters, stays
-- as it is. What only servers of version 0.2.0 called goes.
LOCK TABLE "session_requests" IN ACCESS EXCLUSIVE MODE;
--> statement-breakpoint
ALTER TABLE "session_requests" ADD COLUMN "history_recalled" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "session_requests" ADD COLUMN "history_clipped" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_recalled_is_shown" CHECK ("session_requests"."history_recalled" BETWEEN 0 AND "session_requests"."history_messages");
--> statement-breakpoint
DROP FUNCTION reserve_turn(
  uuid, bytea, uuid, text, bytea, text, uuid, integer, bigint, bigint, bigint, integer, integer, bigint, bigint, integer
);
--> statement-breakpoint
DROP FUNCTION add_invoice(uuid, bytea, text, bigint, timestamptz, integer);
--> statement-breakpoint

-- The turn ---------------------------------------------------------------------------------------------------------------

-- What of a conversation a turn shows: whole turns, the newest first, contiguous, within both bounds; oldest first. A turn is a
-- user's message and what follows it up to the next one: replies before the first user's message belong to none. What is kept
-- out of prompts is passed over, and so is what says nothing (model providers refuse a blank message).
-- The last turn is always shown: of one with more messages than are allowed, the user's message and its newest replies; of one
-- with more tokens, what clip_tokens leaves of it. The first turn, from the newest, that has more tokens than are left is shown
-- with clip_tokens of them, where they are worth it, and ends the window: its server cuts it to that. What may be recalled is
-- taken off first. The number of messages ends the window without clipping.
-- has_more: something that could be shown lies before (starts_at, starts_seq), where the window starts.
CREATE FUNCTION prompt_window(
  p_session uuid, p_max_messages bigint, p_token_budget bigint, p_recall_tokens bigint,
  OUT messages integer,
  OUT tokens bigint,                   -- as shown: of a clipped turn, clip_tokens
  OUT prompt_tokens bigint,            -- of a clipped turn, the share that is shown
  OUT clip_tokens bigint,              -- of the first turn that is shown; null: it is whole
  OUT history jsonb,                   -- its messages whole
  OUT has_more boolean,
  OUT starts_at timestamptz,
  OUT starts_seq bigint
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_message_overhead constant integer := 4;   -- tokens that mark a message's role and end
  v_least_budget constant integer := 64;
  v_least_clip constant integer := 200;       -- a turn of which less could be shown is left out
  v_most_passed_over constant integer := 1000;
  v_max_messages constant bigint := CASE p_max_messages WHEN 1 THEN 2 ELSE p_max_messages END;
  v_message record;
  v_read integer := 0;
  v_replies integer := 0;              -- of the turn whose user's message is still to come
  v_reply_tokens bigint := 0;
  v_reply_prompt_tokens bigint := 0;
  v_user_share bigint;
BEGIN
  messages := 0; tokens := 0; prompt_tokens := 0; history := '[]'; has_more := false;
  IF v_max_messages = 0 OR p_token_budget < v_least_budget THEN
    RETURN;
  END IF;

  -- The index gives the order, and no more is read than is needed. Of silence, and of the replies of one turn, no more than
  -- v_most_passed_over are read, however many there are.
  FOR v_message IN
    SELECT m.role, m.token_count, m.prompt_tokens, m.created_at, m.seq
    FROM (
      SELECT role, content, token_count, prompt_tokens, in_prompts, created_at, seq FROM session_messages
      WHERE session_id = p_session
      ORDER BY created_at DESC, seq DESC LIMIT v_max_messages + v_most_passed_over
    ) m
    WHERE m.in_prompts AND (left(m.content, 1) ~ '\S' OR m.content ~ '\S')   -- the whole text takes its time
    ORDER BY m.created_at DESC, m.seq DESC
  LOOP
    v_read := v_read + 1;
    EXIT WHEN clip_tokens IS NOT NULL OR messages + v_replies >= v_max_messages;
    IF v_message.role <> 'user' THEN
      CONTINUE WHEN messages = 0 AND v_replies = v_max_messages - 1;   -- the last place is its user's message's
      v_replies := v_replies + 1;
      v_reply_tokens := v_reply_tokens + v_message.token_count;
      v_reply_prompt_tokens := v_reply_prompt_tokens + v_message.prompt_tokens + v_message_overhead;
      CONTINUE;
    END IF;

    IF tokens + v_reply_tokens + v_message.token_count > p_token_budget THEN
      clip_tokens := p_token_budget - p_recall_tokens - tokens;
      IF messages > 0 AND clip_tokens < v_least_clip THEN
        clip_tokens := NULL;
        EXIT;
      END IF;
      -- The replies keep three quarters of it where they need them, and what the user's message does not need.
      v_user_share := least(v_message.token_count, greatest(clip_tokens / 4, clip_tokens - v_reply_tokens));
      tokens := tokens + clip_tokens;
      prompt_tokens := prompt_tokens + v_message_overhead
        + CASE WHEN v_user_share >= v_message.token_count THEN v_message.prompt_tokens
            ELSE (v_message.prompt_tokens * v_user_share + v_message.token_count - 1) / v_message.token_count END
        + CASE WHEN clip_tokens - v_user_share >= v_reply_tokens THEN v_reply_prompt_tokens
            ELSE (v_reply_prompt_tokens * (clip_tokens - v_user_share) + v_reply_tokens - 1) / v_reply_tokens END;
    ELSE
      tokens := tokens + v_reply_tokens + v_message.token_count;
      prompt_tokens := prompt_tokens + v_reply_prompt_tokens + v_message.prompt_tokens + v_message_overhead;
    END IF;
    messages := messages + v_replies + 1;
    starts_at := v_message.created_at; starts_seq := v_message.seq;
    v_replies := 0; v_reply_tokens := 0; v_reply_prompt_tokens := 0;
  END LOOP;
  IF messages = 0 THEN
    RETURN;
  END IF;
  has_more := v_read > messages;

  SELECT jsonb_agg(jsonb_build_object('role', m.role, 'content', m.content) ORDER BY m.created_at, m.seq) INTO history
  FROM (
    SELECT role, content, created_at, seq FROM session_messages
    WHERE session_id = p_session AND (created_at, seq) = (starts_at, starts_seq)
    UNION ALL
    (SELECT role, content, created_at, seq FROM session_messages
     WHERE session_id = p_session AND (created_at, seq) > (starts_at, starts_seq)
       AND in_prompts AND (left(content, 1) ~ '\S' OR content ~ '\S')
     ORDER BY created_at DESC, seq DESC LIMIT messages - 1)
  ) m;
END $$;
--> statement-breakpoint
-- What a turn holds of p_free_msat. What may be recalled is set aside three-fold, as text may have more tokens than the budget
-- counts. A balance that is short lowers it first, and then the longest reply: down to p_min_output_tokens, below which nothing is
-- held (null). A quarter on top of all: providers count otherwise than we do, and the charge never exceeds the hold.
CREATE FUNCTION price_turn(
  p_free_msat bigint,
  p_prompt_tokens bigint,              -- of what is shown in any case, but for the mark of the new message
  p_recall_tokens bigint,
  p_input_msat_per_ktoken bigint,
  p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer,
  p_min_output_tokens integer,
  OUT least_msat bigint,               -- what is shown in any case, as it was counted, and not a word of reply
  OUT hold_msat bigint,
  OUT required_msat bigint,
  OUT max_output_tokens integer,
  OUT recall_tokens bigint
)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_message_overhead constant integer := 4;   -- tokens that mark a message's role and end
  v_prompt_tokens_per_recalled constant integer := 3;
  v_prompt_tokens constant bigint := p_prompt_tokens + v_message_overhead;
  v_input_tokens bigint;
BEGIN
  recall_tokens := p_recall_tokens;
  IF p_recall_tokens > 0 AND p_input_msat_per_ktoken > 0 THEN
    recall_tokens := least(p_recall_tokens, greatest(0, (
      4 * ((p_free_msat * 1000 - p_max_output_tokens * p_output_msat_per_ktoken) / p_input_msat_per_ktoken) / 5 - v_prompt_tokens
    ) / v_prompt_tokens_per_recalled));
  END IF;
  v_input_tokens := (5 * (v_prompt_tokens + v_prompt_tokens_per_recalled * recall_tokens) + 3) / 4;
  least_msat := (v_prompt_tokens * p_input_msat_per_ktoken + 999) / 1000;
  hold_msat := (v_input_tokens * p_input_msat_per_ktoken + p_max_output_tokens * p_output_msat_per_ktoken + 999) / 1000;
  required_msat := ((5 * v_prompt_tokens + 3) / 4 * p_input_msat_per_ktoken
    + least(p_max_output_tokens, p_min_output_tokens) * p_output_msat_per_ktoken + 999) / 1000;
  max_output_tokens := p_max_output_tokens;
  IF p_free_msat < required_msat THEN
    hold_msat := NULL;
  ELSIF p_free_msat < hold_msat THEN   -- nothing is recalled then
    hold_msat := p_free_msat;
    max_output_tokens := (p_free_msat * 1000 - v_input_tokens * p_input_msat_per_ktoken) / p_output_msat_per_ktoken;
  END IF;
END $$;
--> statement-breakpoint
-- The first half of a turn: lets it in, takes the hold and returns the history; or says why not, and changes nothing:
-- not-found | mismatch, replay, busy (with request_id) | awaiting_payment, expired, closed | too-many-uncharged (with
-- retry_after_seconds) | insufficient (with required_msat) | ended: this very request ended before it was sent again.
CREATE FUNCTION reserve_turn(
  p_session uuid,
  p_key_hash bytea,
  p_request uuid,
  p_idempotency_key text,
  p_body_hash bytea,                   -- of the body with its defaults, as they are today
  p_said_hash bytea,                   -- of what was said of it
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
  p_recall_tokens bigint,              -- of the budget, for messages from before the window
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
  clip_tokens bigint,                  -- of the first turn of the history; null: it is whole
  recall_tokens bigint,                -- what may be recalled from before the history; 0: there is nothing
  history_starts_at timestamptz,
  history_starts_seq bigint,
  retry_after_seconds integer
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v_session record;
  v_answered record;
  v_running record;
  v_window record;
  v_now timestamptz;
  v_recall_tokens bigint;
  v_is_resent boolean;
  v_price record;
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

  v_recall_tokens := least(p_recall_tokens, p_token_budget / 2);   -- the last turn has the other half
  SELECT w.* INTO v_window FROM prompt_window(p_session, p_max_messages, p_token_budget, v_recall_tokens) w;
  history := v_window.history;
  history_messages := v_window.messages;
  history_tokens := v_window.tokens;
  history_dropped := greatest(v_session.message_count - v_window.messages, 0);
  history_starts_at := v_window.starts_at;
  history_starts_seq := v_window.starts_seq;
  clip_tokens := v_window.clip_tokens;
  recall_tokens := CASE WHEN v_window.has_more THEN least(v_recall_tokens, p_token_budget - v_window.tokens) ELSE 0 END;

  v_is_resent := coalesce(v_running.id = p_request, false);
  v_price := price_turn(
    CASE WHEN v_is_resent THEN v_running.held_msat ELSE balance_msat - held_msat END, p_own_tokens + v_window.prompt_tokens,
    recall_tokens, p_input_msat_per_ktoken, p_output_msat_per_ktoken, p_max_output_tokens, p_min_output_tokens
  );
  recall_tokens := v_price.recall_tokens;
  IF v_is_resent THEN   -- the answer to this very call was lost, and it was sent again
    outcome := 'reserved'; request_id := p_request; max_output_tokens := v_running.max_output_tokens;
    held_msat := held_msat - v_running.held_msat;
    RETURN NEXT; RETURN;
  END IF;
  max_output_tokens := v_price.max_output_tokens;
  required_msat := v_price.required_msat;
  IF v_price.hold_msat IS NULL THEN
    outcome := 'insufficient'; RETURN NEXT; RETURN;
  END IF;

  INSERT INTO session_requests (
    id, session_id, idempotency_key, body_hash, said_hash, model, max_output_tokens, held_msat,
    history_messages, history_tokens, history_dropped, history_clipped, lease_owner, lease_expires_at
  ) VALUES (
    p_request, p_session, p_idempotency_key, p_body_hash, p_said_hash, p_model, max_output_tokens, v_price.hold_msat,
    history_messages, history_tokens, history_dropped, clip_tokens IS NOT NULL, p_owner, v_now + p_lease_ms * interval '1 ms'
  ) ON CONFLICT (session_id, id) DO NOTHING;
  IF NOT FOUND THEN   -- the locks above leave one thing to conflict with: the request's own id
    outcome := 'ended'; RETURN NEXT; RETURN;
  END IF;
  UPDATE sessions s
  SET held_msat = s.held_msat + v_price.hold_msat, version = s.version + 1,
      used_at = CASE WHEN s.used_at > v_now - interval '1 hour' THEN s.used_at ELSE v_now END
  WHERE s.id = p_session;
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
  p_reasoning_tokens integer,          -- the part of the output that was thought and not said
  p_charge_msat bigint,                -- capped at the hold
  p_user_content text,
  p_user_token_count integer,
  p_user_prompt_tokens integer,
  p_reply_content text,
  p_reply_token_count integer,
  p_reply_prompt_tokens integer,
  p_history_messages integer,          -- what was shown in all, what was recalled included; null: by a server of version 0.3.0
  p_history_tokens integer,
  p_history_dropped integer,
  p_history_recalled integer,
  p_history_clipped boolean
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
      finished_at = settle_turn.finished_at,
      history_messages = coalesce(p_history_messages, r.history_messages),
      history_tokens = coalesce(p_history_tokens, r.history_tokens),
      history_dropped = coalesce(p_history_dropped, r.history_dropped),
      history_recalled = coalesce(p_history_recalled, r.history_recalled),
      history_clipped = coalesce(p_history_clipped, r.history_clipped)
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
CREATE OR REPLACE FUNCTION settle_turn(
  p_session uuid, p_request uuid, p_owner uuid, p_state text, p_incomplete_reason text, p_input_tokens integer,
  p_output_tokens integer, p_reasoning_tokens integer, p_charge_msat bigint, p_user_content text, p_user_token_count integer,
  p_user_prompt_tokens integer, p_reply_content text, p_reply_token_count integer, p_reply_prompt_tokens integer
)
RETURNS TABLE (
  charged_msat bigint, balance_msat bigint, request_created_at timestamptz, finished_at timestamptz, reply_id uuid,
  reply_created_at timestamptz
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY SELECT * FROM settle_turn(
    p_session, p_request, p_owner, p_state, p_incomplete_reason, p_input_tokens, p_output_tokens, p_reasoning_tokens,
    p_charge_msat, p_user_content, p_user_token_count, p_user_prompt_tokens, p_reply_content, p_reply_token_count,
    p_reply_prompt_tokens, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::boolean
  );
END $$;
--> statement-breakpoint

-- What reserve_turn would answer now, with nothing locked or stored, whatever else runs:
-- estimated | insufficient (without hold_msat) | not-found | awaiting_payment, expired, closed.
-- What would be recalled is not looked for: as much is held as it may have at most.
CREATE FUNCTION estimate_turn(
  p_session uuid,
  p_key_hash bytea,
  p_own_tokens bigint,
  p_input_msat_per_ktoken bigint,
  p_output_msat_per_ktoken bigint,
  p_max_output_tokens integer,
  p_min_output_tokens integer,
  p_max_messages bigint,
  p_token_budget bigint,
  p_recall_tokens bigint
)
RETURNS TABLE (
  outcome text,
  least_msat bigint,
  hold_msat bigint,
  required_msat bigint,
  available_msat bigint,
  max_output_tokens integer,
  history_messages integer,
  history_tokens integer,
  history_dropped integer,
  history_clipped boolean
)
LANGUAGE plpgsql STABLE AS $$   -- one look at all of it, and no statement in here can change anything
#variable_conflict use_column
DECLARE
  v_session record;
  v_abandoned_msat bigint;
  v_recall_tokens bigint;
  v_window record;
  v_price record;
BEGIN
  SELECT s.status, s.balance_msat, s.held_msat, s.message_count INTO v_session
  FROM sessions s
  WHERE s.id = p_session AND EXISTS (SELECT FROM session_keys k WHERE k.session_id = p_session AND k.key_hash = p_key_hash);
  IF NOT FOUND THEN
    outcome := 'not-found'; RETURN NEXT; RETURN;
  ELSIF v_session.status <> 'active' THEN
    outcome := v_session.status; RETURN NEXT; RETURN;
  END IF;
  -- A turn that is let in ends one whose lease ran out first.
  SELECT sum(r.held_msat) INTO v_abandoned_msat
  FROM session_requests r
  WHERE r.session_id = p_session AND r.state = 'running' AND r.lease_expires_at < statement_timestamp();
  available_msat := v_session.balance_msat - v_session.held_msat + coalesce(v_abandoned_msat, 0);

  v_recall_tokens := least(p_recall_tokens, p_token_budget / 2);
  SELECT w.* INTO v_window FROM prompt_window(p_session, p_max_messages, p_token_budget, v_recall_tokens) w;
  history_messages := v_window.messages;
  history_tokens := v_window.tokens;
  history_dropped := greatest(v_session.message_count - v_window.messages, 0);
  history_clipped := v_window.clip_tokens IS NOT NULL;
  v_price := price_turn(
    available_msat, p_own_tokens + v_window.prompt_tokens,
    CASE WHEN v_window.has_more THEN least(v_recall_tokens, p_token_budget - v_window.tokens) ELSE 0 END,
    p_input_msat_per_ktoken, p_output_msat_per_ktoken, p_max_output_tokens, p_min_output_tokens
  );
  least_msat := v_price.least_msat;
  hold_msat := v_price.hold_msat;
  required_msat := v_price.required_msat;
  max_output_tokens := v_price.max_output_tokens;
  outcome := CASE WHEN hold_msat IS NULL THEN 'insufficient' ELSE 'estimated' END; RETURN NEXT;
END $$;
