/** Everything that the database keeps of the sessions, and the same as the model has it. */
import type { Database } from '../src/transaction.ts';
import { heldBy, type MessageModel, type Model, type RequestModel, type SessionModel, tokensOf } from './model.ts';

type Value = string | number | boolean | null;

interface SessionState {
  readonly id: string;
  readonly status: string;
  readonly balance: number;
  readonly held: number;
  readonly messageCount: number;
  /** Each table's rows, in their order. */
  readonly ledger: Value[][];
  readonly messages: Value[][];
  readonly requests: Value[][];
  readonly invoices: Value[][];
}

const rowsOf = (table: string, columns: string, order: string) => `(
  SELECT coalesce(jsonb_agg(jsonb_build_array(${columns}) ORDER BY ${order}), '[]')
  FROM ${table} WHERE session_id = s.id)`;

const STATE = `
  SELECT s.id, s.status, s.balance_msat::int AS balance, s.held_msat::int AS held, s.message_count AS "messageCount",
    ${rowsOf('ledger_entries', "kind, amount_msat, coalesce(session_request_id::text, encode(payment_hash, 'hex'))", 'created_at')} AS ledger,
    ${rowsOf('session_messages', 'role, content, token_count, prompt_tokens, in_prompts, session_request_id', 'created_at, seq')} AS messages,
    ${rowsOf('session_requests', 'id, state, held_msat, charged_msat, balance_msat, incomplete_reason, cancel_requested_at IS NOT NULL', 'created_at')} AS requests,
    ${rowsOf('invoices', "encode(payment_hash, 'hex'), received_msat, next_lookup_at IS NOT NULL", 'created_at')} AS invoices
  FROM sessions s WHERE s.id = ANY($1::uuid[]) ORDER BY array_position($1::uuid[], s.id)`;

export async function readState(database: Database, { sessions }: Model): Promise<SessionState[]> {
  const values = [sessions.map((session) => session.id)];
  const { rows } = await database.$client.query<SessionState>({ name: 'state', text: STATE, values });
  return rows;
}

const numberOf = (amountMsat: bigint | null) => (amountMsat === null ? null : Number(amountMsat));

export const expectedState = ({ sessions }: Model): SessionState[] => sessions.map(stateOf);

function stateOf(session: SessionModel): SessionState {
  const { id, status, ledger, messages, requests, invoices } = session;
  return {
    id,
    status,
    balance: Number(session.balanceMsat),
    held: Number(heldBy(session)),
    messageCount: messages.length,
    ledger: ledger.map(({ kind, amountMsat, of }) => [kind, Number(amountMsat), of]),
    messages: messages.map(messageRow),
    requests: requests.map(requestRow),
    invoices: invoices.map(({ paymentHash, receivedMsat, watched }) => [paymentHash, numberOf(receivedMsat), watched]),
  };
}

function messageRow({ role, content, promptTokens, inPrompts, requestId }: MessageModel): Value[] {
  return [role, content, tokensOf(content), promptTokens, inPrompts, requestId];
}

function requestRow({ turn, state, heldMsat, chargedMsat, balanceMsat, cancelRequested }: RequestModel): Value[] {
  const reason = state === 'incomplete' ? turn.end.incompleteReason! : null;
  const amounts = [Number(heldMsat), numberOf(chargedMsat), numberOf(balanceMsat)];
  return [turn.requestId, state, ...amounts, reason, cancelRequested];
}
