/**
 * A running request has an owner and a lease, by the database's clock. These statements lock request rows alone and wait for
 * nothing else, and nobody who waits for a request row holds another one: they need not take the session's lock first.
 */
import { and, eq, inArray, sql } from 'drizzle-orm';

import { sessionRequests } from './schema.ts';
import type { Db } from './transaction.ts';
import { releaseAbandonedTurn, type TurnId } from './turns.ts';

/** Ends every request whose lease ran out, as `releaseTurn` does. @returns how many */
export async function sweepLeases(db: Db): Promise<number> {
  const abandoned = await db
    .select({ sessionId: sessionRequests.sessionId, requestId: sessionRequests.id })
    .from(sessionRequests)
    .where(and(eq(sessionRequests.state, 'running'), sql`${sessionRequests.leaseExpiresAt} < clock_timestamp()`));
  let released = 0;
  // One by one: each takes its session's lock, and none may hold one while it waits for another.
  for (const turn of abandoned) {
    // oxlint-disable-next-line no-await-in-loop
    if (await releaseAbandonedTurn(db, turn)) released += 1;
  }
  return released;
}

export interface RenewedLease {
  readonly requestId: string;
  readonly cancelRequested: boolean;
}

/** Renews the leases of requests that `owner` still runs. A request missing from the answer is lost: stop it at once. */
export async function renewLeases(
  db: Db,
  { owner, leaseMs, requestIds }: { owner: string; leaseMs: number; requestIds: string[] },
): Promise<RenewedLease[]> {
  return db
    .update(sessionRequests)
    .set({ leaseExpiresAt: sql`clock_timestamp() + ${leaseMs} * interval '1 ms'` })
    .where(
      and(
        inArray(sessionRequests.id, requestIds),
        eq(sessionRequests.leaseOwner, owner),
        eq(sessionRequests.state, 'running'),
      ),
    )
    .returning({
      requestId: sessionRequests.id,
      cancelRequested: sql<boolean>`${sessionRequests.cancelRequestedAt} IS NOT NULL`,
    });
}

/** Asks the server that runs a request, whichever it is, to stop it. No effect on one that has ended. */
export async function requestCancel(db: Db, { sessionId, requestId }: TurnId): Promise<void> {
  await db
    .update(sessionRequests)
    .set({ cancelRequestedAt: sql`coalesce(${sessionRequests.cancelRequestedAt}, clock_timestamp())` })
    .where(
      and(
        eq(sessionRequests.sessionId, sessionId),
        eq(sessionRequests.id, requestId),
        eq(sessionRequests.state, 'running'),
      ),
    );
}
