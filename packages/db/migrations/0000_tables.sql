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
--> statement-breakpoint
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
--> statement-breakpoint
CREATE TABLE "session_keys" (
	"session_id" uuid NOT NULL,
	"key_hash" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "session_keys_session_id_key_hash_pk" PRIMARY KEY("session_id","key_hash"),
	CONSTRAINT "session_keys_hash_is_sha256" CHECK (octet_length("session_keys"."key_hash") = 32)
);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_request_of_session" FOREIGN KEY ("session_id","session_request_id") REFERENCES "public"."session_requests"("session_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_invoice_of_session" FOREIGN KEY ("session_id","payment_hash") REFERENCES "public"."invoices"("session_id","payment_hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session_keys" ADD CONSTRAINT "session_keys_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session_messages" ADD CONSTRAINT "session_messages_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session_messages" ADD CONSTRAINT "session_messages_request_of_session" FOREIGN KEY ("session_id","session_request_id") REFERENCES "public"."session_requests"("session_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session_requests" ADD CONSTRAINT "session_requests_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "invoices_by_session" ON "invoices" USING btree ("session_id","created_at");--> statement-breakpoint
CREATE INDEX "invoices_to_look_up" ON "invoices" USING btree ("next_lookup_at") WHERE "invoices"."next_lookup_at" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_entries_one_charge_per_request" ON "ledger_entries" USING btree ("session_id","session_request_id") WHERE "ledger_entries"."kind" = 'charge';--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_entries_one_deposit_per_payment" ON "ledger_entries" USING btree ("payment_hash") WHERE "ledger_entries"."kind" = 'deposit';--> statement-breakpoint
CREATE INDEX "ledger_entries_by_session" ON "ledger_entries" USING btree ("session_id","created_at");--> statement-breakpoint
CREATE INDEX "session_messages_in_order" ON "session_messages" USING btree ("session_id","created_at","seq");--> statement-breakpoint
CREATE UNIQUE INDEX "session_messages_one_per_role" ON "session_messages" USING btree ("session_id","session_request_id","role") WHERE "session_messages"."session_request_id" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "session_requests_one_running" ON "session_requests" USING btree ("session_id") WHERE "session_requests"."state" = 'running';--> statement-breakpoint
CREATE UNIQUE INDEX "session_requests_one_answer_per_key" ON "session_requests" USING btree ("session_id","idempotency_key") WHERE "session_requests"."state" <> 'failed';