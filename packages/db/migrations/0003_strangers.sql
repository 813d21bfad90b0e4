-- Columns and indexes that bound what one caller can cost. No table is rewritten; each index is built in one pass.
-- The tables that change are locked first and in the order of every turn, so that a turn of a server of the version before
-- waits for the end of this, and neither ends in a deadlock.
LOCK TABLE "sessions", "invoices", "session_requests" IN ACCESS EXCLUSIVE MODE;
--> statement-breakpoint
ALTER TABLE "session_requests" DROP CONSTRAINT "session_requests_incomplete_reason";--> statement-breakpoint
DROP INDEX "invoices_by_session";--> statement-breakpoint
ALTER TABLE "session_requests" ADD COLUMN "reasoning_tokens" integer;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "uncharged_msat" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "uncharged_turns" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "uncharged_since" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "invoices_unpaid" ON "invoices" USING btree ("session_id","created_at") WHERE "invoices"."paid_at" IS NULL;--> statement-breakpoint
CREATE INDEX "invoices_watched" ON "invoices" USING btree ("created_at","payment_hash") WHERE "invoices"."next_lookup_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "invoices_watched_of_session" ON "invoices" USING btree ("session_id") WHERE "invoices"."next_lookup_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "session_requests_leases" ON "session_requests" USING btree ("lease_expires_at") WHERE "session_requests"."state" = 'running';--> statement-breakpoint
CREATE INDEX "sessions_idle" ON "sessions" USING btree ("used_at","id") WHERE "sessions"."status" = 'active';--> statement-breakpoint
CREATE INDEX "sessions_unpaid" ON "sessions" USING btree ("created_at","id") WHERE "sessions"."status" = 'awaiting_payment';--> statement-breakpoint
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_reasoning_is_output" CHECK ("session_requests"."reasoning_tokens" BETWEEN 0 AND "session_requests"."output_tokens");--> statement-breakpoint
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_incomplete_reason" CHECK ("session_requests"."incomplete_reason" IN ('cancelled', 'max-output-tokens', 'balance', 'empty', 'too-long'));--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_uncharged_not_negative" CHECK ("sessions"."uncharged_msat" >= 0 AND "sessions"."uncharged_turns" >= 0);
--> statement-breakpoint
-- A reply without a word is silence: turns whose reply was blank are kept to be read, and stay out of prompts.
UPDATE session_messages m SET in_prompts = false
FROM session_messages reply
WHERE reply.role = 'assistant' AND reply.in_prompts AND reply.content !~ '\S'
  AND m.session_id = reply.session_id
  AND (m.id = reply.id OR m.session_request_id = reply.session_request_id);
