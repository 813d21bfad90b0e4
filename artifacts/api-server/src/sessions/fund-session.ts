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
import {
  addInvoice,
  findInvoiceByKey,
  keyInvoice,
  listPayableInvoices,
  type NewSessionInvoice,
  type PayableInvoice,
  type StoredInvoice,
} from '@timmy-tower/db';

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

export interface AskedTopUp extends DepositRequest {
  readonly idempotencyKey?: string | undefined;
}

export interface ToppedUp {
  readonly answer: TopUp;
  /** It was asked for with this key before. */
  readonly isReplay: boolean;
}

/**
 * An invoice for a session: what its key was given before, or the newest unpaid one of this amount that leaves time to pay it
 * and is no other key's, else a new one. An expired session may be topped up: the payment revives it.
 * @throws {AppError} `rate-limited` when the session has as many unpaid invoices as it may; `idempotency-mismatch`
 */
export async function topUpSession(deps: Deps, caller: Caller, asked: AskedTopUp): Promise<ToppedUp> {
  const session = await getSession(deps, caller);
  const { id: sessionId } = session;
  return deps.queues.funding.run(sessionId, async () => {
    const known = await findKnownTopUp(deps, sessionId, asked);
    if (known) return known;
    if (session.status === 'closed') throw sessionClosed();
    const payable = await listPayableInvoices(deps.db, { sessionId, limit: MOST_PENDING });
    const invoice =
      (await giveAgain(deps, sessionId, { ...asked, payable })) ??
      (await addNewInvoice(deps, sessionId, { ...asked, payable }));
    if (invoice) return { answer: { invoice: toInvoice(invoice) }, isReplay: false };
    // Another server may have been asked with the same key at the same time.
    const meanwhile = await findKnownTopUp(deps, sessionId, asked);
    if (!meanwhile) throw tooManyInvoices(payable);
    return meanwhile;
  });
}

/** What its key was given before. @throws {AppError} `idempotency-mismatch` when that was another amount */
export async function findKnownTopUp(
  { db }: Pick<Deps, 'db'>,
  sessionId: string,
  { amountSats, idempotencyKey }: AskedTopUp,
): Promise<ToppedUp | undefined> {
  const known = idempotencyKey === undefined ? undefined : await findInvoiceByKey(db, { sessionId, idempotencyKey });
  if (known && known.amountMsat !== satsToMsat(amountSats)) {
    throw new AppError(
      'idempotency-mismatch',
      'This Idempotency-Key was used for another amount. Use a new key for a new top-up.',
    );
  }
  return known && { answer: { invoice: toInvoice(known) }, isReplay: true };
}

type AskedInvoice = AskedTopUp & { readonly payable: readonly PayableInvoice[] };

async function giveAgain(
  { db }: Deps,
  sessionId: string,
  { amountSats, idempotencyKey, payable }: AskedInvoice,
): Promise<StoredInvoice | undefined> {
  const amountMsat = satsToMsat(amountSats);
  const isFree = ({ isKeyed }: PayableInvoice) => idempotencyKey === undefined || !isKeyed;
  const same = payable.find(
    (invoice) => invoice.amountMsat === amountMsat && invoice.leftMs >= ENOUGH_TIME_MS && isFree(invoice),
  );
  if (!same || idempotencyKey === undefined) return same;
  const isGiven = await keyInvoice(db, { sessionId, idempotencyKey, paymentHash: same.paymentHash });
  return isGiven ? same : undefined;
}

/** undefined: the session has as many as it may, or its key has one since a moment ago. */
async function addNewInvoice(
  deps: Deps,
  sessionId: string,
  { amountSats, idempotencyKey, payable }: AskedInvoice,
): Promise<StoredInvoice | undefined> {
  if (payable.length >= MOST_PENDING) return undefined;
  const invoice = await createInvoice(deps, amountSats);
  const added = await addInvoice(deps.db, sessionId, { ...invoice, mostPending: MOST_PENDING, idempotencyKey });
  return added === 'known' ? undefined : added;
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
