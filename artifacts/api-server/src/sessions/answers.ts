/** What is stored, in the words of the API. */
import {
  type Invoice,
  type Message,
  msatToJson,
  msatToSatsCeil,
  type Session,
  type TurnAnswer,
} from '@timmy-tower/contract';
import type { SessionMessage, StoredInvoice, StoredRequest, StoredSession } from '@timmy-tower/db';

const DAY_MS = 86_400_000;

export function toInvoice({ paymentHash, bolt11, amountMsat, status, expiresAt }: StoredInvoice): Invoice {
  return { paymentHash, bolt11, amountSats: msatToSatsCeil(amountMsat), status, expiresAt: expiresAt.toISOString() };
}

export function toSession(session: StoredSession, idleDays: number): Session {
  const { id, status, invoice } = session;
  return {
    id,
    status,
    balanceMsat: msatToJson(session.balanceMsat),
    heldMsat: msatToJson(session.heldMsat),
    createdAt: session.createdAt.toISOString(),
    expiresAt: expiryOf(session, idleDays).toISOString(),
    ...(invoice ? { invoice: toInvoice(invoice) } : {}),
  };
}

/** One that was never paid is removed a day after its last invoice expired; any other expires when idle for too long. */
function expiryOf({ status, invoice, usedAt }: StoredSession, idleDays: number): Date {
  if (status === 'awaiting_payment' && invoice) return new Date(invoice.expiresAt.getTime() + DAY_MS);
  return new Date(usedAt.getTime() + idleDays * DAY_MS);
}

export function toMessage({ id, sessionRequestId, role, content, tokenCount, createdAt }: SessionMessage): Message {
  return { id, sessionRequestId, role, content, tokenCount, createdAt: createdAt.toISOString() };
}

export function toTurnAnswer(stored: StoredRequest): TurnAnswer {
  const { id, state, incompleteReason, model, inputTokens, outputTokens, reasoningTokens, chargedMsat, reply } = stored;
  return {
    request: {
      id,
      state,
      ...(incompleteReason ? { incompleteReason } : {}),
      model,
      inputTokens,
      outputTokens,
      reasoningTokens,
      chargedMsat: chargedMsat === null ? null : msatToJson(chargedMsat),
      createdAt: stored.createdAt.toISOString(),
      finishedAt: stored.finishedAt?.toISOString() ?? null,
    },
    reply: reply && {
      id: reply.id,
      role: 'assistant',
      content: reply.content,
      tokenCount: reply.tokenCount,
      createdAt: reply.createdAt.toISOString(),
    },
    balanceMsat: msatToJson(stored.balanceMsat),
    history: stored.shown,
  };
}
