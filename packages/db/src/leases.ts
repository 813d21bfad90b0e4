/**
 * A running request has an owner and a lease, by the database's clock. These statements lock request rows alone and wait for
 * nothing else, and nobody who waits for a request row holds another one: they need not take the session's lock first.
 */
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';

import { unlessLocked } from './pg-error.ts';
import { sessionRequests } from './schema.ts';
import type { Db } from './transaction.ts';
import { releaseAbandonedTurn } from './end-turn.ts';
import { type TurnId } from './reserve-turn.ts';

const BATCH = 100;

/** As the index has it: a parameter in its place would make every sweep read the whole table. */
const isRunning = sql`${sessionRequests.state} = 'running'`;

/** Ends every request whose lease ran out, as `releaseTurn` does, a batch at a time. @returns how many */
export async function sweepLeases(db: Db): Promise<number> {
  let released = 0;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const abandoned = await findAbandoned(db);
    let releasedNow = 0;
    // One by one: each takes its session's lock, and none may hold one while it waits for another.
    for (const turn of abandoned) {
      // oxlint-disable-next-line no-await-in-loop
      if (await unlessLocked(() => releaseAbandonedTurn(db, turn))) releasedNow += 1;
    }
    released += releasedNow;
    if (abandoned.length < BATCH || releasedNow === 0) return released;
  }
}

async function findAbandoned(db: Db): Promise<TurnId[]> {
  return db
    .select({ sessionId: sessionRequests.sessionId, requestId: sessionRequests.id })
    .from(sessionRequests)
    .where(and(isRunning, sql`${sessionRequests.leaseExpiresAt} < statement_timestamp()`))
    .orderBy(asc(sessionRequests.leaseExpiresAt))
    .limit(BATCH);
}

export interface RenewedLease {
  readonly requestId: string;
  readonly cancelRequested: boolean;
}

/** Renews the leases of turns that `owner` still runs. A request missing from the answer is lost: stop it at once. */
export async function renewLeases(
  db: Db,
  { owner, leaseMs, turns }: { owner: string; leaseMs: number; turns: readonly TurnId[] },
): Promise<RenewedLease[]> {
  return db
    .update(sessionRequests)
    .set({ leaseExpiresAt: sql`statement_timestamp() + ${leaseMs} * interval '1 ms'` })
    .where(
      and(
        inArray(
          sessionRequests.sessionId,
          turns.map(({ sessionId }) => sessionId),
        ),
        inArray(
          sessionRequests.id,
          turns.map(({ requestId }) => requestId),
        ),
        eq(sessionRequests.leaseOwner, owner),
        isRunning,
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
    .set({ cancelRequestedAt: sql`statement_timestamp()` })
    .where(
      and(
        eq(sessionRequests.sessionId, sessionId),
        eq(sessionRequests.id, requestId),
        isNull(sessionRequests.cancelRequestedAt),
        isRunning,
      ),
    );
}
