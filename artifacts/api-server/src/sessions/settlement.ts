/**
 * Watches for payments: told by the wallet, asked of it again and again, and asked of it at start. Whatever the way, a payment
 * is looked up, and what was received is credited, once.
 */
import { claimInvoicesToLookUp, creditPayment, lookUpAllInvoicesNow, stopWatchingIfDead } from '@timmy-tower/db';

import { runEvery } from '../background.ts';
import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';

type WatchDeps = Pick<Deps, 'db' | 'wallet' | 'log'>;

const POLL_MS = 2000;
const BATCH = 50;

/** Credits an invoice if the wallet says that it is paid. */
export async function settlePayment({ db, wallet, log }: WatchDeps, paymentHash: string): Promise<void> {
  const invoice = await wallet.lookupInvoice(paymentHash);
  if (invoice.state !== 'settled') {
    await stopWatchingIfDead(db, paymentHash);
    return;
  }
  const { receivedMsat } = invoice;
  const outcome = await creditPayment(db, { paymentHash, receivedMsat });
  if (outcome === 'applied') log.info({ paymentHash, receivedMsat: String(receivedMsat) }, 'payment credited');
}

/** Looks up every invoice whose turn it is. One that fails stays due and does not keep the others from theirs. */
export async function pollPayments(deps: WatchDeps): Promise<void> {
  let due: string[];
  do {
    // oxlint-disable-next-line no-await-in-loop -- a batch at a time, so as not to flood the wallet
    due = await claimInvoicesToLookUp(deps.db, BATCH);
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(due.map((paymentHash) => settleOrLog(deps, paymentHash)));
  } while (due.length === BATCH);
}

async function settleOrLog(deps: WatchDeps, paymentHash: string): Promise<void> {
  try {
    await settlePayment(deps, paymentHash);
  } catch (error) {
    deps.log.warn({ paymentHash, error: describeError(error) }, 'an invoice could not be looked up: it will be again');
  }
}

/** @returns a function that stops watching, once what is under way is done */
export async function watchPayments(deps: WatchDeps): Promise<() => Promise<void>> {
  const underWay = new Set<Promise<void>>();
  const stopListening = deps.wallet.onSettled((paymentHash) => {
    const settling = settleOrLog(deps, paymentHash).finally(() => underWay.delete(settling));
    underWay.add(settling);
  });
  await lookUpAllInvoicesNow(deps.db);
  const stopPolling = runEvery(POLL_MS, 'poll payments', { log: deps.log, run: () => pollPayments(deps) });
  return async () => {
    stopListening();
    await stopPolling();
    await Promise.all(underWay);
  };
}
