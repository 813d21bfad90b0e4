/** Invoices for a session: few at a time, and an unpaid one is given again before another is made. */
import {
  AppError,
  type DepositRequest,
  type Invoice,
  type Msat,
  msatToSatsCeil,
  satsToMsat,
  type TopUp,
} from '@timmy-tower/contract';
import { addInvoice, listPayableInvoices, type NewSessionInvoice, type PayableInvoice } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { toInvoice } from './answers.ts';
import { getSession } from './find-session.ts';
import type { Caller } from './session-key.ts';

const INVOICE_EXPIRY_SECONDS = 3600;
/** Each costs the wallet an invoice and us a day of looking it up. */
const MOST_PENDING = 5;
/** With less time left an invoice is not given again: somebody has to find a wallet and scan it. */
const ENOUGH_TIME_MS = 600_000;

/** Asks the wallet for an invoice. @throws {AppError} `unavailable` when it is down */
export async function createInvoice({ wallet, agentName }: Deps, amountSats: number): Promise<NewSessionInvoice> {
  const memo = `${amountSats} sats to talk to ${agentName}`;
  const invoice = await wallet.createInvoice({ amountSats, memo, expirySeconds: INVOICE_EXPIRY_SECONDS });
  return { ...invoice, amountMsat: satsToMsat(amountSats) };
}

/**
 * An invoice for a session: the newest unpaid one of this amount that leaves time to pay it, else a new one. An expired
 * session may be topped up: the payment revives it.
 * @throws {AppError} `rate-limited` when the session has as many unpaid invoices as it may
 */
export async function topUpSession(deps: Deps, caller: Caller, { amountSats }: DepositRequest): Promise<TopUp> {
  const session = await getSession(deps, caller);
  if (session.status === 'closed') throw sessionClosed();
  const amountMsat = satsToMsat(amountSats);
  return deps.queues.funding.run(session.id, async () => {
    const payable = await listPayableInvoices(deps.db, { sessionId: session.id, limit: MOST_PENDING });
    const same = payable.find((invoice) => invoice.amountMsat === amountMsat && invoice.leftMs >= ENOUGH_TIME_MS);
    const invoice = same ?? (await addNewInvoice(deps, session.id, { amountSats, payable }));
    if (!invoice) throw tooManyInvoices(payable);
    return { invoice: toInvoice(invoice) };
  });
}

/** undefined: the session has as many as it may. */
async function addNewInvoice(
  deps: Deps,
  sessionId: string,
  { amountSats, payable }: { amountSats: number; payable: readonly PayableInvoice[] },
) {
  if (payable.length >= MOST_PENDING) return undefined;
  const invoice = await createInvoice(deps, amountSats);
  return addInvoice(deps.db, sessionId, { ...invoice, mostPending: MOST_PENDING });
}

function tooManyInvoices(payable: readonly PayableInvoice[]): AppError {
  const soonestMs = Math.min(INVOICE_EXPIRY_SECONDS * 1000, ...payable.map(({ leftMs }) => leftMs));
  return new AppError(
    'rate-limited',
    `This session has ${MOST_PENDING} unpaid invoices. Pay one of them, or wait until one has expired.`,
    { fields: { retryAfterSeconds: Math.max(1, Math.ceil(soonestMs / 1000)) } },
  );
}

export function sessionClosed(): AppError {
  return new AppError('session-closed', 'This session is closed. Open a new one with POST /sessions.');
}

/**
 * An invoice to offer to a caller who is short of `missingMsat`: the newest unpaid one that is large enough, else a new one,
 * else the largest that there is. undefined when the wallet is down: the caller is told what is missing all the same.
 */
export async function offerInvoice(deps: Deps, sessionId: string, missingMsat: Msat): Promise<Invoice | undefined> {
  const { minDepositSats, maxDepositSats } = deps.limits;
  const amountSats = Math.min(Math.max(msatToSatsCeil(missingMsat), minDepositSats), maxDepositSats);
  const amountMsat = satsToMsat(amountSats);
  try {
    return await deps.queues.funding.run(sessionId, async () => {
      const payable = await listPayableInvoices(deps.db, { sessionId, limit: MOST_PENDING });
      const enough = payable.find((invoice) => invoice.amountMsat >= amountMsat);
      const invoice = enough ?? (await addNewInvoice(deps, sessionId, { amountSats, payable })) ?? largest(payable);
      return invoice && toInvoice(invoice);
    });
  } catch (error) {
    if (!(error instanceof AppError && (error.code === 'unavailable' || error.code === 'rate-limited'))) throw error;
    deps.log.warn({ wallet: deps.wallet.name }, 'no invoice could be offered: the wallet or the database is down');
    return undefined;
  }
}

const largest = (payable: readonly PayableInvoice[]) =>
  payable.toSorted((a, b) => Number(b.amountMsat - a.amountMsat)).at(0);
