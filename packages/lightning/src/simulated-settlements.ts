/** Which invoices were paid: one file per payment hash, created once and never changed, holding what was received. */
import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { AppError, type Msat } from '@timmy-tower/contract';

import { createFileOnce, isSystemError } from './create-file-once.ts';

export class SimulatedSettlements {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns whether this call settled it: of all processes together only one ever does */
  claimPayment(paymentHash: string, receivedMsat: Msat): Promise<boolean> {
    return createFileOnce(this.#path(paymentHash), receivedMsat.toString());
  }

  /** @throws {AppError} `unavailable` when its file was changed by others */
  async findReceivedMsat(paymentHash: string): Promise<Msat | undefined> {
    const path = this.#path(paymentHash);
    const received = await readIfExists(path);
    if (received === undefined) return undefined;
    if (!/^[1-9]\d*$/.test(received)) throw unreadable(paymentHash);
    return BigInt(received);
  }

  /** @throws {Error} when payments can no longer be read or written down */
  checkAccess(): Promise<void> {
    return access(this.#directory, constants.R_OK | constants.W_OK);
  }

  #path(paymentHash: string): string {
    return join(this.#directory, paymentHash);
  }
}

export async function openSimulatedSettlements(directory: string): Promise<SimulatedSettlements> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return new SimulatedSettlements(directory);
}

/** Callers are told: it names no path. */
const unreadable = (paymentHash: string) =>
  new AppError('unavailable', `The simulated wallet’s file of ${paymentHash} does not hold what was received.`);

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
