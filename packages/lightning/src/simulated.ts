/**
 * A wallet in which no real money moves. Its invoices are genuine ones for regtest, so that every decoder takes them.
 *
 * An invoice is paid at most once, whichever process takes the payment, and a kill at any moment leaves it paid or not.
 * Preimages and the seed are in no error and no log; a preimage is given to who pays, and to nobody else.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { AppError, type Msat } from '@timmy-tower/contract';

import { type DecodedInvoice, decodeInvoice, encodeInvoice, invoiceExpiresAt, REGTEST } from './bolt11.ts';
import { type Delivery, SettlementPush } from './settlement-push.ts';
import { openSimulatedKeys, type SimulatedKeys } from './simulated-keys.ts';
import { openSimulatedSettlements, type SimulatedSettlements } from './simulated-settlements.ts';
import type { InvoiceState, NewInvoice, Wallet, WalletInvoice } from './wallet.ts';

const DEFAULT_LATE_MS = 2000;

interface DeliveryOptions {
  /** Default `once`. Reaches the listeners in the process that took the payment. */
  readonly delivery?: Delivery;
  /** How late `late` is. */
  readonly lateMs?: number;
}

export interface SimulatedWalletOptions extends DeliveryOptions {
  /** Made if need be. Wallets on one directory, in any number of processes, are one wallet. */
  readonly directory: string;
  readonly now?: () => Date;
}

export interface SimulatedPaymentOptions extends DeliveryOptions {
  /** What arrives, when it is not what was asked. */
  readonly receivedMsat?: Msat;
  /** Lets a payment arrive after the invoice expired. */
  readonly ignoreExpiry?: boolean;
}

export interface SimulatedPayment {
  /** 64 hex digits: the payer's proof of payment. */
  readonly preimage: string;
  readonly paymentHash: string;
}

export class SimulatedWallet implements Wallet {
  readonly name = 'simulated (no real money moves)';
  /** The public key that signs the invoices, 66 hex digits. */
  readonly nodeId: string;
  readonly #keys: SimulatedKeys;
  readonly #settlements: SimulatedSettlements;
  readonly #push = new SettlementPush();
  readonly #delivery: Required<DeliveryOptions>;
  readonly #now: () => Date;
  #unreachable: string | undefined;

  constructor(keys: SimulatedKeys, settlements: SimulatedSettlements, options: SimulatedWalletOptions) {
    this.nodeId = keys.nodeId();
    this.#keys = keys;
    this.#settlements = settlements;
    this.#delivery = { delivery: options.delivery ?? 'once', lateMs: options.lateMs ?? DEFAULT_LATE_MS };
    this.#now = options.now ?? (() => new Date());
  }

  async createInvoice({ amountSats, memo, expirySeconds }: NewInvoice): Promise<WalletInvoice> {
    this.#checkReachable();
    const paymentSecret = randomBytes(32).toString('hex');
    const paymentHash = this.#keys.paymentHash(paymentSecret);
    const timestamp = Math.floor(this.#now().getTime() / 1000);
    const bolt11 = encodeInvoice(
      { amountSats, paymentHash, paymentSecret, description: memo, expirySeconds, timestamp },
      this.#keys.nodeKey(),
    );
    return { paymentHash, bolt11, expiresAt: invoiceExpiresAt({ timestamp, expirySeconds }) };
  }

  /** An invoice that was never made looks like an unpaid one: only payments are stored. */
  async lookupInvoice(paymentHash: string): Promise<InvoiceState> {
    this.#checkReachable();
    if (!/^[0-9a-f]{64}$/.test(paymentHash)) return { state: 'unknown' };
    const receivedMsat = await this.#settlements.findReceivedMsat(paymentHash);
    return receivedMsat === undefined ? { state: 'pending' } : { state: 'settled', receivedMsat };
  }

  onSettled(listener: (paymentHash: string) => void): () => void {
    return this.#push.subscribe(listener);
  }

  async checkHealth(): Promise<void> {
    this.#checkReachable();
    try {
      await this.#settlements.checkAccess();
    } catch (cause) {
      throw new AppError('unavailable', 'The simulated wallet cannot use its directory.', { cause });
    }
  }

  async close(): Promise<void> {
    this.#unreachable = 'The simulated wallet is closed.';
    this.#push.close();
  }

  /**
   * Pays one of this wallet's invoices, as somebody else's wallet would.
   * @throws {AppError} `invalid-request` when it is not ours, not for regtest, expired or already paid
   * @throws {RangeError} when nothing or less is to arrive
   */
  async pay(bolt11: string, options: SimulatedPaymentOptions = {}): Promise<SimulatedPayment> {
    const invoice = decodeInvoice(bolt11);
    const paymentSecret = this.#checkOurs(invoice);
    if (options.ignoreExpiry !== true) this.#checkNotExpired(invoice);
    const { paymentHash } = invoice;
    if (!(await this.#settlements.claimPayment(paymentHash, amountReceived(invoice, options)))) {
      throw new AppError('invalid-request', 'That invoice is already paid.');
    }
    const { delivery, lateMs } = { ...this.#delivery, ...options };
    this.#push.deliver(paymentHash, delivery, lateMs);
    return { preimage: this.#keys.preimage(paymentSecret), paymentHash };
  }

  /**
   * For tests: cuts this wallet off from who uses it. Until ended, every call throws `unavailable` and pushes are lost,
   * while payments go on arriving: looking them up shows them afterwards.
   */
  simulateOutage(ongoing: boolean): void {
    this.#unreachable = ongoing ? 'The simulated wallet is told to be out of reach.' : undefined;
    this.#push.muted = ongoing;
  }

  #checkReachable(): void {
    if (this.#unreachable !== undefined) throw new AppError('unavailable', this.#unreachable);
  }

  /** @returns the payment secret, which every invoice that we signed has */
  #checkOurs({ network, nodeId, paymentSecret }: DecodedInvoice): string {
    if (network !== REGTEST) {
      throw new AppError(
        'invalid-request',
        'That invoice is not for regtest. The simulated wallet pays only the invoices that it made; no real money moves.',
      );
    }
    if (nodeId !== this.nodeId || paymentSecret === undefined) {
      throw new AppError(
        'invalid-request',
        'That invoice was not made by this simulated wallet, which pays no others.',
      );
    }
    return paymentSecret;
  }

  #checkNotExpired(invoice: DecodedInvoice): void {
    const expiresAt = invoiceExpiresAt(invoice);
    if (this.#now() < expiresAt) return;
    throw new AppError(
      'invalid-request',
      `That invoice expired at ${expiresAt.toISOString()}. Ask for a new one and pay that.`,
    );
  }
}

/**
 * Opens the wallet in a directory, or makes one there.
 * @throws {Error} when the directory cannot be used
 */
export async function openSimulatedWallet(options: SimulatedWalletOptions): Promise<SimulatedWallet> {
  // The parents are made as anybody's: others, such as a PostgreSQL with a uid of its own, may live beside the wallet.
  await mkdir(dirname(options.directory), { recursive: true });
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const settlements = await openSimulatedSettlements(join(options.directory, 'settled'));
  const keys = await openSimulatedKeys(join(options.directory, 'seed'));
  return new SimulatedWallet(keys, settlements, options);
}

function amountReceived(invoice: DecodedInvoice, options: SimulatedPaymentOptions): Msat {
  const received = options.receivedMsat ?? invoice.amountMsat ?? 0n;
  if (received <= 0n) throw new RangeError(`A payment cannot be ${received} msat`);
  return received;
}
