/**
 * Waiting until everything has recovered. Leases last 15 s and unpaid invoices are asked for every 10 s at first: what
 * would take that long is brought forward in SQL, as if the time had passed.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { readPayments } from './check-payments.ts';
import type { Scene } from './scene.ts';

const PATIENCE_MS = 20_000;
const POLL_MS = 25;

/** As if the leases of all running requests had run out. */
export async function endLeases(scene: Scene): Promise<void> {
  await scene.database.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 second' WHERE state = 'running'`,
  );
}

/** As if it were time to ask the wallet for every unpaid invoice. */
export async function bringLookupsForward(scene: Scene): Promise<void> {
  await scene.database.query('UPDATE invoices SET next_lookup_at = clock_timestamp() WHERE next_lookup_at IS NOT NULL');
}

export interface RunningRequest {
  readonly id: string;
  readonly session_id: string;
}

export function findRunning(scene: Scene): Promise<RunningRequest[]> {
  return scene.database.query<RunningRequest>(`SELECT id, session_id FROM session_requests WHERE state = 'running'`);
}

/** A killed server's statements may still be under way: resolves once none of its connections is left. */
export function untilConnectionsEnd(scene: Scene): Promise<boolean> {
  return until(async () => {
    const [left] = await scene.database.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM pg_stat_activity
       WHERE application_name = 'timmy-tower' AND datname = current_database()`,
    );
    return left?.count === 0;
  });
}

/** Resolves once nothing runs. False: it takes too long. */
export function untilNothingRuns(scene: Scene, withinMs = PATIENCE_MS): Promise<boolean> {
  return until(async () => (await findRunning(scene)).length === 0, withinMs);
}

/** Resolves once nothing runs and all that was paid is credited, or after a while: the checks tell what is missing. */
export async function untilRecovered(scene: Scene): Promise<void> {
  await untilNothingRuns(scene);
  await until(async () => (await readPayments(scene)).outstanding.length === 0);
}

/** Asks again and again. False: it takes too long. */
export async function until(condition: () => Promise<boolean>, withinMs = PATIENCE_MS): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
