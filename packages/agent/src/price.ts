import type { Msat } from '@timmy-tower/contract';

import type { Usage } from './usage.ts';

/** What a model costs, in msat per 1000 tokens. Zero is a legal price. */
export interface Prices {
  readonly inputMsatPerKtoken: bigint;
  readonly outputMsatPerKtoken: bigint;
}

const TOKENS_PER_KTOKEN = 1000n;

/**
 * What a usage costs: exact, then rounded up once to a whole msat.
 * @throws {RangeError} when a token count is not a whole number
 */
export function priceMsat(usage: Pick<Usage, 'inputTokens' | 'outputTokens'>, prices: Prices): Msat {
  const thousandths =
    BigInt(usage.inputTokens) * prices.inputMsatPerKtoken + BigInt(usage.outputTokens) * prices.outputMsatPerKtoken;
  return (thousandths + TOKENS_PER_KTOKEN - 1n) / TOKENS_PER_KTOKEN;
}
