import { type Agent, countTokens, type Prices } from '@timmy-tower/agent';
import type { TurnTerms } from '@timmy-tower/db';

import type { WholeTurn } from './turn-body.ts';

/** A balance that pays for a shorter reply than this is not worth a turn. */
const MIN_OUTPUT_TOKENS = 64;
/** A model that reasons would spend less than this on its thoughts, and not say a word. */
const MIN_REASONING_OUTPUT_TOKENS = 512;

export interface CountedTurn {
  readonly terms: TurnTerms;
  readonly messageTokens: number;
}

/** What a turn is priced by: the same whether it is estimated or taken. */
export async function countTurn(
  { agent, prices }: { readonly agent: Agent; readonly prices: Prices },
  body: WholeTurn,
): Promise<CountedTurn> {
  const messageTokens = await countTokens(body.content);
  const terms = {
    ownTokens: agent.overheadTokens + messageTokens,
    ...prices,
    maxOutputTokens: body.maxOutputTokens,
    minOutputTokens: agent.reasons() ? MIN_REASONING_OUTPUT_TOKENS : MIN_OUTPUT_TOKENS,
    history: body.history,
  };
  return { terms, messageTokens };
}
