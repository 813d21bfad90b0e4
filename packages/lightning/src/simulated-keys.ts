/**
 * Everything secret about a simulated wallet comes from one random seed, so that nothing need be stored per invoice and
 * any number of processes on one directory are one and the same node.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { AppError } from '@timmy-tower/contract';
import { secp256k1 } from '@noble/curves/secp256k1.js';

import { createFileOnce } from './create-file-once.ts';

/** The keys of one seed. The seed itself stays inside; printing or serialising this shows nothing. */
export class SimulatedKeys {
  readonly #seed: Buffer;

  constructor(seed: Buffer) {
    this.#seed = seed;
  }

  nodeKey(): Uint8Array {
    return this.#derive('node key');
  }

  /** The compressed public key, 66 hex digits. */
  nodeId(): string {
    return Buffer.from(secp256k1.getPublicKey(this.nodeKey())).toString('hex');
  }

  /** What the payer of the invoice with this payment secret learns by paying, as 64 hex digits. */
  preimage(paymentSecret: string): string {
    return this.#derive('preimage', Buffer.from(paymentSecret, 'hex')).toString('hex');
  }

  paymentHash(paymentSecret: string): string {
    return createHash('sha256')
      .update(Buffer.from(this.preimage(paymentSecret), 'hex'))
      .digest('hex');
  }

  #derive(purpose: string, detail: Uint8Array = new Uint8Array()): Buffer {
    return createHmac('sha256', this.#seed).update(purpose).update(detail).digest();
  }
}

/**
 * The keys of the seed in a file; the first to ask creates it.
 * @throws {AppError} `unavailable` when the file holds something else
 */
export async function openSimulatedKeys(path: string): Promise<SimulatedKeys> {
  await createFileOnce(path, randomBytes(32).toString('hex'));
  const seed = await readFile(path, 'utf8');
  if (!/^[0-9a-f]{64}$/.test(seed)) {
    throw new AppError(
      'unavailable',
      `${path} is not the seed of a simulated wallet: bring the file back that was there.`,
    );
  }
  return new SimulatedKeys(Buffer.from(seed, 'hex'));
}
