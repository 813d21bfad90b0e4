import type { Msat } from '@timmy-tower/contract';

import { invalidInvoice } from './invalid-invoice.ts';

const PICO_BITCOIN_PER_MSAT = 10n;

/** Pico-bitcoin per unit of each multiplier, the largest first. BOLT 11, "Human-Readable Part". */
const multipliers = new Map([
  ['', 1_000_000_000_000n],
  ['m', 1_000_000_000n],
  ['u', 1_000_000n],
  ['n', 1_000n],
  ['p', 1n],
]);

/** All the bitcoin there can be. */
const MAX_MSAT = 21_000_000n * 100_000_000_000n;

/**
 * The shortest way to write an amount, as BOLT 11 asks of writers.
 * @throws {RangeError} when the amount is not positive, or more than all bitcoin
 */
export function formatAmount(amountMsat: Msat): string {
  if (amountMsat <= 0n || amountMsat > MAX_MSAT) throw new RangeError(`An invoice cannot ask for ${amountMsat} msat`);
  const pico = amountMsat * PICO_BITCOIN_PER_MSAT;
  const [letter, unit] = [...multipliers].find(([, each]) => pico % each === 0n) ?? ['p', 1n];
  return `${pico / unit}${letter}`;
}

/**
 * @param amount digits, then at most one letter
 * @throws {AppError} `invalid-request` for what BOLT 11 does not allow, a fraction of a millisatoshi included
 */
export function parseAmount(amount: string): Msat {
  const digits = /^\d*/.exec(amount)?.[0] ?? '';
  const letter = amount.slice(digits.length);
  const unit = multipliers.get(letter);
  if (unit === undefined) throw invalidInvoice('its amount ends in something that is not one of m, u, n and p');
  if (!/^[1-9]\d{0,18}$/.test(digits))
    throw invalidInvoice('its amount is not a positive number without leading zeros');
  const pico = BigInt(digits) * unit;
  if (pico % PICO_BITCOIN_PER_MSAT !== 0n) throw invalidInvoice('its amount is not a whole number of millisatoshis');
  if (pico / PICO_BITCOIN_PER_MSAT > MAX_MSAT) throw invalidInvoice('its amount is more than all the bitcoin there is');
  return pico / PICO_BITCOIN_PER_MSAT;
}
