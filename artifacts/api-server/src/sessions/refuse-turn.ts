import { AppError } from '@timmy-tower/contract';
import type { ReserveOutcome } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { getSession } from './find-session.ts';
import { offerInvoice, sessionClosed } from './fund-session.ts';
import type { Caller } from './session-key.ts';
import { sessionNotFound } from './session-not-found.ts';

type Refusal = Exclude<ReserveOutcome, { outcome: 'reserved' | 'replay' }>;

/** Why a turn was not let in, with what helps: the running request's id, or an invoice to pay. */
export async function refuseTurn(deps: Deps, caller: Caller, refusal: Refusal): Promise<AppError> {
  switch (refusal.outcome) {
    case 'not-found':
      return sessionNotFound();
    case 'mismatch':
      return new AppError(
        'idempotency-mismatch',
        'This Idempotency-Key was used for another body. Use a new key for a new request.',
        { fields: { requestId: refusal.requestId } },
      );
    case 'busy':
      return conversationBusy(refusal.requestId);
    case 'awaiting_payment':
      return paymentRequired(deps, caller);
    case 'too-many-uncharged':
      return new AppError(
        'rate-limited',
        'The model broke off too many replies of this session, which were paid for here and not charged. Try again later.',
        { fields: { retryAfterSeconds: refusal.retryAfterSeconds } },
      );
    case 'insufficient':
      return insufficientBalance(deps, caller, refusal);
    case 'expired':
      return new AppError(
        'session-closed',
        'This session expired. Its balance is kept: any payment revives it, see POST /sessions/{id}/topup.',
      );
    case 'closed':
      return sessionClosed();
  }
}

export function conversationBusy(requestId: string): AppError {
  return new AppError('conversation-busy', 'Another request of this session is running. Wait for it, or cancel it.', {
    fields: { requestId, retryAfterSeconds: 1 },
  });
}

export async function paymentRequired(deps: Deps, caller: Caller): Promise<AppError> {
  const session = await getSession(deps, caller);
  const invoice = await offerInvoice(deps, caller.sessionId, session.invoice?.amountMsat ?? 0n);
  return new AppError('payment-required', 'This session is not paid yet. Pay its invoice, then ask again.', {
    fields: { invoice },
  });
}

async function insufficientBalance(
  deps: Deps,
  caller: Caller,
  { requiredMsat, balanceMsat, heldMsat }: Extract<Refusal, { outcome: 'insufficient' }>,
): Promise<AppError> {
  const availableMsat = balanceMsat - heldMsat;
  const invoice = await offerInvoice(deps, caller.sessionId, requiredMsat - availableMsat);
  return new AppError(
    'insufficient-balance',
    'The balance does not cover this request. Pay the invoice, then ask again.',
    {
      fields: {
        requiredMsat: Number(requiredMsat),
        availableMsat: Number(availableMsat),
        heldMsat: Number(heldMsat),
        invoice,
      },
    },
  );
}
