import { type TurnAnswer, turnBody } from '@timmy-tower/contract';
import { findRequestByKey } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { getRequest } from './find-request.ts';
import { hashMeant, hashSaid, withDefaults } from './turn-body.ts';

const MOST = Number.MAX_SAFE_INTEGER;
/** Whatever an operator may have allowed once. */
const anyTurn = turnBody({
  minDepositSats: 1,
  maxDepositSats: MOST,
  maxOutputTokens: MOST,
  history: { maxMessages: 0, tokenBudget: 0, recallTokens: 0 },
  historyLimit: { maxMessages: MOST, tokenBudget: MOST },
});

/**
 * The answer that a key was given before to this same body, which today's limits would refuse: they are about what is new.
 * undefined: there is none.
 */
export async function findKnownTurn(
  deps: Pick<Deps, 'db' | 'limits'>,
  { sessionId, idempotencyKey, body }: { sessionId: string; idempotencyKey: string; body: unknown },
): Promise<TurnAnswer | undefined> {
  const said = anyTurn.safeParse(body);
  if (!said.success) return undefined;
  const known = await findRequestByKey(deps.db, { sessionId, idempotencyKey });
  if (!known || known.state === 'running') return undefined;
  const isSame =
    known.saidHash?.equals(hashSaid(said.data)) ||
    known.bodyHash?.equals(hashMeant(withDefaults(said.data, deps.limits), deps.limits));
  return isSame ? getRequest(deps, { sessionId, requestId: known.id }) : undefined;
}
