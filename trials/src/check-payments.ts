/** Compares the ledger with the wallet: what was paid is credited, exactly that, and nothing else is. */
import type { Scene } from './scene.ts';

interface StoredInvoice {
  readonly hash: string;
  readonly session_id: string;
  readonly credited: string | null;
  readonly deposits: number;
}

const storedInvoices = `
  SELECT encode(i.payment_hash, 'hex') AS hash, i.session_id, sum(l.amount_msat)::text AS credited, count(l.id)::integer AS deposits
  FROM invoices i LEFT JOIN ledger_entries l ON l.kind = 'deposit' AND l.payment_hash = i.payment_hash
  GROUP BY i.payment_hash`;

export interface PaymentState {
  /** Paid, and not credited yet. */
  readonly outstanding: readonly string[];
  /** Credited otherwise than it was paid. */
  readonly wrong: readonly string[];
  readonly deposits: number;
}

export async function readPayments(scene: Scene): Promise<PaymentState> {
  const stored = await scene.database.query<StoredInvoice>(storedInvoices);
  const states = await Promise.all(stored.map(({ hash }) => scene.wallet.lookupInvoice(hash)));
  const outstanding: string[] = [];
  const wrong: string[] = [];
  let deposits = 0;
  for (const [index, { hash, credited, deposits: count }] of stored.entries()) {
    const state = states[index]!;
    const received = state.state === 'settled' ? state.receivedMsat : undefined;
    deposits += count;
    if (received !== undefined && credited === null) outstanding.push(hash);
    else if (credited !== null && (count !== 1 || BigInt(credited) !== received)) wrong.push(hash);
  }
  return { outstanding, wrong, deposits };
}

export async function checkPayments(scene: Scene): Promise<void> {
  const { outstanding, wrong, deposits } = await readPayments(scene);
  scene.counts.deposits = deposits;
  if (outstanding.length > 0) scene.report('2: a paid invoice is credited', outstanding);
  if (wrong.length > 0) scene.report('2: an invoice is credited once, with what was received, if it was paid', wrong);
  await checkAcknowledgedInvoices(scene);
}

async function checkAcknowledgedInvoices(scene: Scene): Promise<void> {
  const stored = new Map((await scene.database.query<StoredInvoice>(storedInvoices)).map((row) => [row.hash, row]));
  for (const session of scene.journal.sessions) {
    const lost = session.invoices.filter(({ paymentHash }) => stored.get(paymentHash)?.session_id !== session.id);
    if (lost.length > 0) {
      scene.report(
        '7: an invoice that was given out is still there',
        lost.map(({ paymentHash }) => paymentHash),
      );
    }
  }
}
