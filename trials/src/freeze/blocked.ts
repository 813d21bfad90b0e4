/** Looks for backends of the servers that cannot go on. */
import { until } from '../recovery.ts';
import type { Scene } from '../scene.ts';

export interface BlockedBackend {
  readonly pid: number;
  readonly what: string;
}

/**
 * Those that wait for a lock, and those that hold what they locked while nobody tells them how to go on: between two
 * statements, or before the end of a message.
 */
export function findBlocked({ database }: Scene): Promise<BlockedBackend[]> {
  return database.query<BlockedBackend>(`
    SELECT pid, coalesce(wait_event_type || ' ' || wait_event, state) || ': ' || left(query, 60) AS what
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'timmy-tower%' AND (
      wait_event_type = 'Lock'
      OR state LIKE 'idle in transaction%'
      OR (state = 'active' AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL AND xact_start < clock_timestamp() - interval '1 second'))`);
}

/** Resolves as soon as nobody is blocked. @returns those who still are after that time */
export async function untilNobodyIsBlocked(scene: Scene, withinMs: number): Promise<BlockedBackend[]> {
  let blocked: BlockedBackend[] = [];
  await until(async () => {
    blocked = await findBlocked(scene);
    return blocked.length === 0;
  }, withinMs);
  return blocked;
}
