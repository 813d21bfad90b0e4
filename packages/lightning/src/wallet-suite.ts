import { randomBytes } from 'node:crypto';

import { type Msat, satsToMsat } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { decodeInvoice, invoiceExpiresAt } from './bolt11.ts';
import type { Wallet } from './wallet.ts';

export interface WalletSuiteOptions<W extends Wallet> {
  /** A wallet that nobody else uses; the suite closes it. */
  readonly open: () => Promise<W>;
  /** Pays an invoice as its payer. Answers what the wallet then counts as received. */
  readonly pay: (wallet: W, bolt11: string) => Promise<Msat>;
  /** Puts the wallet out of reach. */
  readonly takeDown: (wallet: W) => Promise<void> | void;
}

const newInvoice = { amountSats: 1234, memo: 'Timmy: 漢字 & ünïcode', expirySeconds: 600 };

/** What every wallet backend must do. Call it in a test file of the backend. */
export function walletSuite<W extends Wallet>(name: string, { open, pay, takeDown }: WalletSuiteOptions<W>): void {
  describe(`${name}, as any wallet`, () => {
    let wallet: W;

    beforeEach(async () => {
      wallet = await open();
    });

    afterEach(() => wallet.close());

    test('makes an invoice for the amount, with the memo and the expiry asked', async () => {
      const before = Date.now();
      const invoice = await wallet.createInvoice(newInvoice);
      const decoded = decodeInvoice(invoice.bolt11);
      expect(decoded).toMatchObject({
        amountMsat: satsToMsat(newInvoice.amountSats),
        description: newInvoice.memo,
        expirySeconds: newInvoice.expirySeconds,
        paymentHash: invoice.paymentHash,
      });
      expect(invoice.paymentHash).toMatch(/^[0-9a-f]{64}$/);
      expect(invoice.expiresAt).toEqual(invoiceExpiresAt(decoded));
      expect(Math.abs(decoded.timestamp * 1000 - before)).toBeLessThan(60_000);
    });

    test('makes a different invoice each time', async () => {
      const invoices = await Promise.all([1, 2, 3].map(() => wallet.createInvoice(newInvoice)));
      expect(new Set(invoices.map((invoice) => invoice.paymentHash)).size).toBe(3);
    });

    test('has an invoice pending until it is paid, then settled with what was received', async () => {
      const paid = await wallet.createInvoice(newInvoice);
      const unpaid = await wallet.createInvoice(newInvoice);
      expect(await wallet.lookupInvoice(paid.paymentHash)).toEqual({ state: 'pending' });
      const receivedMsat = await pay(wallet, paid.bolt11);
      await expect.poll(() => wallet.lookupInvoice(paid.paymentHash)).toEqual({ state: 'settled', receivedMsat });
      expect(await wallet.lookupInvoice(unpaid.paymentHash)).toEqual({ state: 'pending' });
    });

    test('tells every listener of a payment, and none that stopped listening', async () => {
      const stopped = vi.fn<(paymentHash: string) => void>();
      const listening = vi.fn<(paymentHash: string) => void>();
      const stop = wallet.onSettled(stopped);
      wallet.onSettled(listening);

      const first = await wallet.createInvoice(newInvoice);
      await pay(wallet, first.bolt11);
      await expect
        .poll(() => [stopped, listening].map(({ mock }) => mock.calls))
        .toEqual([[[first.paymentHash]], [[first.paymentHash]]]);

      stop();
      const second = await wallet.createInvoice(newInvoice);
      await pay(wallet, second.bolt11);
      await expect.poll(() => listening.mock.calls).toContainEqual([second.paymentHash]);
      expect(stopped).not.toHaveBeenCalledWith(second.paymentHash);
    });

    test('does not call an invoice settled that it never made', async () => {
      const { state } = await wallet.lookupInvoice(randomBytes(32).toString('hex'));
      expect(state).not.toBe('settled');
    });

    test('says that it is unavailable when it cannot be reached', async () => {
      const { paymentHash } = await wallet.createInvoice(newInvoice);
      await wallet.checkHealth();
      await takeDown(wallet);
      const unavailable = expect.objectContaining({ name: 'AppError', code: 'unavailable' });
      await expect(wallet.createInvoice(newInvoice)).rejects.toEqual(unavailable);
      await expect(wallet.lookupInvoice(paymentHash)).rejects.toEqual(unavailable);
      await expect(wallet.checkHealth()).rejects.toEqual(unavailable);
    });
  });
}
