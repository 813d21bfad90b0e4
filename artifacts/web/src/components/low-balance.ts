import type { ServerInfo, Session } from '@timmy-tower/contract';

/** A short exchange: with less than its price left, a reply may be cut or refused. */
const TOKENS_IN = 500;
const TOKENS_OUT = 250;

export function isLow(
  { balanceMsat, heldMsat }: Pick<Session, 'balanceMsat' | 'heldMsat'>,
  { inputMsatPerKtoken, outputMsatPerKtoken }: Pick<ServerInfo, 'inputMsatPerKtoken' | 'outputMsatPerKtoken'>,
): boolean {
  const exchangeMsat = (inputMsatPerKtoken * TOKENS_IN + outputMsatPerKtoken * TOKENS_OUT) / 1000;
  return balanceMsat - heldMsat < exchangeMsat;
}
