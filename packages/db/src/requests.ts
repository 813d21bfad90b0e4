import type { IncompleteReason, Msat, RequestState } from '@timmy-tower/contract';
import { and, eq, ne, sql } from 'drizzle-orm';

import { sessionMessages, sessionRequests, sessions } from './schema.ts';
import type { Db } from './transaction.ts';
import type { ShownHistory, TurnId } from './reserve-turn.ts';

export interface StoredRequest {
  readonly id: string;
  readonly state: RequestState;
  readonly incompleteReason: IncompleteReason | null;
  readonly model: string;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** null while it runs, after a failure, and in requests of before it was counted. */
  readonly reasoningTokens: number | null;
  readonly chargedMsat: Msat | null;
  /** When it ended; while it runs, now. */
  readonly balanceMsat: Msat;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly shown: ShownHistory;
  readonly reply: { id: string; content: string; tokenCount: number; createdAt: Date } | null;
}

/** A request with its reply, in whatever state; undefined if the session has no such request. */
export async function findRequest(db: Db, { sessionId, requestId }: TurnId): Promise<StoredRequest | undefined> {
  const [row] = await db
    .select({ request: sessionRequests, reply: sessionMessages, balanceNowMsat: sessions.balanceMsat })
    .from(sessionRequests)
    .innerJoin(sessions, eq(sessions.id, sessionId))
    .leftJoin(
      sessionMessages,
      and(
        eq(sessionMessages.sessionId, sessionId),
        eq(sessionMessages.sessionRequestId, sessionRequests.id),
        eq(sessionMessages.role, 'assistant'),
      ),
    )
    .where(and(eq(sessionRequests.sessionId, sessionId), eq(sessionRequests.id, requestId)));
  if (!row) return undefined;
  const { historyMessages, historyTokens, historyDropped, historyRecalled, historyClipped, ...request } = row.request;
  return {
    ...request,
    balanceMsat: request.balanceMsat ?? row.balanceNowMsat,
    shown: {
      messages: historyMessages,
      tokens: historyTokens,
      dropped: historyDropped,
      recalled: historyRecalled,
      clipped: historyClipped,
    },
    reply: row.reply,
  };
}

/** A request that did not fail, and by which hashes of its body it is known again: see `IdempotentTurn`. */
export interface KeyedRequest {
  readonly id: string;
  readonly state: RequestState;
  readonly bodyHash: Buffer | null;
  readonly saidHash: Buffer | null;
}

/** The request that an idempotency key stands for. */
export async function findRequestByKey(
  db: Db,
  { sessionId, idempotencyKey }: { readonly sessionId: string; readonly idempotencyKey: string },
): Promise<KeyedRequest | undefined> {
  const { id, state, bodyHash, saidHash } = sessionRequests;
  const [row] = await db
    .select({ id, state, bodyHash, saidHash })
    .from(sessionRequests)
    .where(
      and(
        eq(sessionRequests.sessionId, sessionId),
        eq(sessionRequests.idempotencyKey, idempotencyKey),
        ne(sessionRequests.state, sql`'failed'`),
      ),
    );
  return row;
}
