import {
  AppError,
  type DepositRequest,
  type Invoice,
  type Msat,
  msatToSatsCeil,
  satsToMsat,
  type TopUp,
} from '@timmy-tower/contract';
import { addInvoice, findPayableInvoice, type NewSessionInvoice } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { toInvoice } from './answers.ts';
import { getSession } from './find-session.ts';
import type { Caller } from './session-key.ts';

const INVOICE_EXPIRY_SECONDS = 3600;

/** Asks the wallet for an invoice. @throws {AppError} `unavailable` when it is down */
export async function createInvoice({ wallet, agentName }: Deps, amountSats: number): Promise<NewSessionInvoice> {
  const memo = `${amountSats} sats to talk to ${agentName}`;
  const invoice = await wallet.createInvoice({ amountSats, memo, expirySeconds: INVOICE_EXPIRY_SECONDS });
  return { ...invoice, amountMsat: satsToMsat(amountSats) };
}

/** A new invoice for a session. An expired one may be topped up: the payment revives it. */
export async function topUpSession(deps: Deps, caller: Caller, { amountSats }: DepositRequest): Promise<TopUp> {
  const session = await getSession(deps, caller);
  if (session.status === 'closed') throw sessionClosed();
  const invoice = await createInvoice(deps, amountSats);
  return { invoice: toInvoice(await addInvoice(deps.db, session.id, invoice)) };
}

export function sessionClosed(): AppError {
  return new AppError('session-closed', 'This session is closed. Open a new one with POST /sessions.');
}

/**
 * An invoice to offer to a caller who is short of `missingMsat`: the newest unpaid one that is large enough, else a new one.
 * undefined when the wallet is down: the caller is told what is missing all the same.
 */
export async function offerInvoice(deps: Deps, sessionId: string, missingMsat: Msat): Promise<Invoice | undefined> {
  const { minDepositSats, maxDepositSats } = deps.limits;
  const sats = Math.min(Math.max(msatToSatsCeil(missingMsat), minDepositSats), maxDepositSats);
  const pending = await findPayableInvoice(deps.db, { sessionId, amountMsat: satsToMsat(sats) });
  if (pending) return toInvoice(pending);
  try {
    return toInvoice(await addInvoice(deps.db, sessionId, await createInvoice(deps, sats)));
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'unavailable')) throw error;
    deps.log.warn({ wallet: deps.wallet.name }, 'no invoice could be offered: the wallet or the database is down');
    return undefined;
  }
}
