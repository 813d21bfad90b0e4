/**
 * Watches for payments: told by the wallet, asked of it again and again, and asked of it at start. Whatever the way, a payment
 * is looked up, and what was received is credited, once. How much is looked up is bounded by the second, the newest first.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { claimInvoicesToLookUp, creditPayment, listWatchedInvoices, type WatchedInvoice } from '@timmy-tower/db';

import { runEvery } from '../background.ts';
import type { Deps } from '../deps.ts';
import { describeError } from '../log.ts';

type WatchDeps = Pick<Deps, 'db' | 'wallet' | 'log'>;

const POLL_MS = 2000;
/** At most so many look-ups of the wallet each time. */
const BATCH = 50;

/** Credits an invoice if the wallet says that it is paid. */
export async function settlePayment({ db, wallet, log }: WatchDeps, paymentHash: string): Promise<void> {
  const invoice = await wallet.lookupInvoice(paymentHash);
  if (invoice.state !== 'settled') return;
  const { receivedMsat } = invoice;
  const facts = { paymentHash, receivedMsat: String(receivedMsat) };
  const outcome = await creditPayment(db, { paymentHash, receivedMsat });
  if (outcome === 'applied') log.info(facts, 'payment credited');
  if (outcome === 'foreign') {
    log.error(facts, 'a payment came for no session that is here: it may have been removed; nobody was credited');
  }
}

/** Looks up the invoices whose turn it is. One that fails does not keep the others from theirs. */
export async function pollPayments(deps: WatchDeps): Promise<void> {
  await settleAll(deps, await claimInvoicesToLookUp(deps.db, BATCH));
}

async function settleAll(deps: WatchDeps, paymentHashes: readonly string[]): Promise<void> {
  await Promise.all(paymentHashes.map((paymentHash) => settleOrLog(deps, paymentHash)));
}

async function settleOrLog(deps: WatchDeps, paymentHash: string): Promise<void> {
  try {
    await settlePayment(deps, paymentHash);
  } catch (error) {
    deps.log.warn({ paymentHash, error: describeError(error) }, 'an invoice could not be looked up: it will be again');
  }
}

/** What was paid while no server listened: every invoice that is still watched, once, at the pace of the polling. */
async function lookUpWatched(deps: WatchDeps, stopped: AbortSignal): Promise<void> {
  let after: WatchedInvoice | undefined;
  while (!stopped.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- a batch at a time, so as not to flood the wallet
    const batch = await listWatchedInvoices(deps.db, { after, limit: BATCH });
    // oxlint-disable-next-line no-await-in-loop
    await settleAll(
      deps,
      batch.map(({ paymentHash }) => paymentHash),
    );
    if (batch.length < BATCH) return;
    after = batch.at(-1);
    // oxlint-disable-next-line no-await-in-loop
    await delay(POLL_MS, undefined, { signal: stopped }).catch(() => {});
  }
}

/** @returns a function that stops watching, once what is under way is done */
export function watchPayments(deps: WatchDeps): () => Promise<void> {
  const underWay = new Set<Promise<void>>();
  const stopListening = deps.wallet.onSettled((paymentHash) => {
    const settling = settleOrLog(deps, paymentHash).finally(() => underWay.delete(settling));
    underWay.add(settling);
  });
  const stopped = new AbortController();
  const atStart = lookUpWatched(deps, stopped.signal).catch((error: unknown) => {
    deps.log.warn({ error: describeError(error) }, 'invoices of before the start are looked up when their turn comes');
  });
  const stopPolling = runEvery(POLL_MS, 'poll payments', { log: deps.log, run: () => pollPayments(deps) });
  return async () => {
    stopListening();
    stopped.abort();
    await Promise.all([atStart, stopPolling()]);
    await Promise.all(underWay);
  };
}
