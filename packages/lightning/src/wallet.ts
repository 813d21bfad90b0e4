import type { Msat } from '@timmy-tower/contract';

export interface NewInvoice {
  /** Whole sats only: sub-sat amounts confuse wallets. */
  readonly amountSats: number;
  /** Shown to the payer. */
  readonly memo: string;
  readonly expirySeconds: number;
}

export interface WalletInvoice {
  /** 64 lower-case hex digits. */
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly expiresAt: Date;
}

/** What a wallet knows of an invoice. `unknown`: it never made it, or has forgotten it. */
export type InvoiceState =
  | { readonly state: 'pending' }
  | { readonly state: 'settled'; readonly receivedMsat: Msat }
  | { readonly state: 'unknown' };

/**
 * A Lightning backend, in the few calls that are made of it.
 * Every call throws an AppError `unavailable` when the wallet cannot be reached.
 */
export interface Wallet {
  /** Shown at start-up and in `/readyz`; holds no secret. */
  readonly name: string;

  createInvoice(invoice: NewInvoice): Promise<WalletInvoice>;

  /** The only proof of payment: nothing is ever credited on less. */
  lookupInvoice(paymentHash: string): Promise<InvoiceState>;

  /**
   * Calls back with the payment hash when an invoice is paid. A hint: it may come late, twice or never.
   * @returns a function that stops the calls
   */
  onSettled(listener: (paymentHash: string) => void): () => void;

  /** Resolves when the wallet answers. */
  checkHealth(): Promise<void>;

  close(): Promise<void>;
}
