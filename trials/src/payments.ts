/** Money in: paid through the server, past it, twice at once, too much, too little, late, or while nobody is there. */
import type { Invoice, SessionOpened, TopUp } from '@timmy-tower/contract';
import { AppError, satsToMsat } from '@timmy-tower/contract';

import { CUT, call } from './http.ts';
import type { KnownInvoice, KnownSession } from './journal.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

export async function openSession(scene: Scene, random: Random): Promise<KnownSession | undefined> {
  const body = JSON.stringify({ amountSats: random.whole(20, 200) });
  const answer = await call(scene.pickServer(random), '/sessions', { body });
  if (answer === CUT || answer.status !== 201) return undefined;
  const { session, key, invoice }: SessionOpened = JSON.parse(answer.text);
  const known = { id: session.id, key, turns: [], forgets: [], invoices: [toKnown(invoice)], step: 0 };
  scene.journal.sessions.push(known);
  scene.counts.sessions += 1;
  return known;
}

export async function topUp(scene: Scene, session: KnownSession, random: Random): Promise<KnownInvoice | undefined> {
  const body = JSON.stringify({ amountSats: random.whole(10, 300) });
  const answer = await call(scene.pickServer(random), `/sessions/${session.id}/topup`, { key: session.key, body });
  if (answer === CUT || answer.status !== 201) return undefined;
  const { invoice }: TopUp = JSON.parse(answer.text);
  const known = toKnown(invoice);
  session.invoices.push(known);
  return known;
}

const toKnown = ({ paymentHash, bolt11, amountSats }: Invoice): KnownInvoice => ({
  paymentHash,
  bolt11,
  amountMsat: satsToMsat(amountSats),
});

/** Pays one way or another. Whether it got through is for the wallet's directory to tell, at the check. */
export async function payInvoice(scene: Scene, invoice: KnownInvoice, random: Random): Promise<void> {
  const way = random.weighted([
    ['by server', 6],
    ['twice at once', 2],
    ['past the server', 1],
    ['both at once', 1],
    ['after it expired', 1],
  ]);
  switch (way) {
    case 'by server':
      return payByServer(scene, invoice, random);
    case 'twice at once':
      await Promise.all([payByServer(scene, invoice, random), payByServer(scene, invoice, random)]);
      return;
    case 'past the server':
      return payPastServer(scene, invoice, random);
    case 'both at once':
      await Promise.all([payByServer(scene, invoice, random), payPastServer(scene, invoice, random)]);
      return;
    case 'after it expired':
      return payLate(scene, invoice, random);
  }
}

async function payByServer(scene: Scene, { bolt11 }: KnownInvoice, random: Random): Promise<void> {
  const paying = call(scene.pickServer(random), '/dev/wallet/pay', { body: JSON.stringify({ bolt11 }) });
  scene.moments.emit('paying');
  await paying;
}

/** In another process: no server is told, so that only looking it up shows it. */
export async function payPastServer(scene: Scene, invoice: KnownInvoice, random: Random): Promise<void> {
  const receivedMsat = random.pick([invoice.amountMsat, invoice.amountMsat + 1n, invoice.amountMsat * 2n, 1n]);
  try {
    await scene.wallet.pay(invoice.bolt11, { receivedMsat, ignoreExpiry: true });
  } catch (error) {
    if (!(error instanceof AppError)) throw error; // paid already
  }
}

/** As if the invoice's hour had passed. */
async function payLate(scene: Scene, invoice: KnownInvoice, random: Random): Promise<void> {
  await scene.database.query(
    `UPDATE invoices SET expires_at = clock_timestamp() - interval '1 minute' WHERE payment_hash = $1`,
    [Buffer.from(invoice.paymentHash, 'hex')],
  );
  await payPastServer(scene, invoice, random);
}
