/** An amount of money in millisatoshis; 1 sat = 1000 msat. Code and columns hold it as a bigint. */
export type Msat = bigint;

const MSAT_PER_SAT = 1000n;

/** @throws {RangeError} when `sats` is not a whole number */
export function satsToMsat(sats: number): Msat {
  return BigInt(sats) * MSAT_PER_SAT;
}

/** The whole sats needed to cover an amount of zero or more. */
export function msatToSatsCeil(msat: Msat): number {
  return toSafeInteger((msat + MSAT_PER_SAT - 1n) / MSAT_PER_SAT);
}

/** The whole sats contained in an amount of zero or more. */
export function msatToSatsFloor(msat: Msat): number {
  return toSafeInteger(msat / MSAT_PER_SAT);
}

/**
 * An amount as JSON carries it.
 * @throws {RangeError} beyond ±(2^53 − 1), about 90 bitcoin, rather than lose a millisatoshi
 */
export function msatToJson(msat: Msat): number {
  return toSafeInteger(msat);
}

function toSafeInteger(amount: bigint): number {
  const number = Number(amount);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${amount} cannot be written as a JSON number exactly`);
  return number;
}
