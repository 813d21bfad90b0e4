import { type Database, listSessions, listSessionVersions, type StoredSession } from '@timmy-tower/db';

export interface Look {
  readonly gone: readonly string[];
  /** As they are now. */
  readonly changed: readonly StoredSession[];
}

/** What became of these sessions: one statement for all of them, and one more for all that changed. */
export async function lookAtSessions(db: Database, known: ReadonlyMap<string, StoredSession>): Promise<Look> {
  const rows = await listSessionVersions(db, [...known.keys()]);
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  const gone: string[] = [];
  const changed: string[] = [];
  for (const [id, { version }] of known) {
    if (!versions.has(id)) gone.push(id);
    // Another one, be it lower: a database that was put back goes on from there.
    else if (versions.get(id) !== version) changed.push(id);
  }
  return { gone, changed: changed.length > 0 ? await listSessions(db, changed) : [] };
}
