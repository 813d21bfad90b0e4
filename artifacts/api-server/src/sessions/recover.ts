/** What keeps sessions tidy, on every server: holds of servers that died, idle sessions, sessions never paid. */
import { expireIdleSessions, removeUnpaidSessions, sweepLeases } from '@timmy-tower/db';

import { runEvery } from '../background.ts';
import type { Deps } from '../deps.ts';

const SWEEP_MS = 5000;
const TIDY_MS = 600_000;
const DAY_MS = 86_400_000;

/** @returns a function that stops it */
export function startRecovery({
  db,
  log,
  sessionIdleDays,
}: Pick<Deps, 'db' | 'log' | 'sessionIdleDays'>): () => Promise<void> {
  const sweep = async () => {
    const released = await sweepLeases(db);
    if (released > 0) log.warn({ released }, 'ended requests whose server is gone; nothing was charged');
  };
  const tidy = async () => {
    const expired = await expireIdleSessions(db, sessionIdleDays * DAY_MS);
    const removed = await removeUnpaidSessions(db);
    if (expired + removed > 0) log.info({ expired, removed }, 'expired idle sessions, removed unpaid ones');
  };
  const stopSweeping = runEvery(SWEEP_MS, 'sweep leases', { log, run: sweep });
  const stopTidying = runEvery(TIDY_MS, 'tidy sessions', { log, run: tidy });
  return async () => {
    await Promise.all([stopSweeping(), stopTidying()]);
  };
}
