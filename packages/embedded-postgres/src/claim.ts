// One owner at a time of a server that runs. The claim is an advisory lock on a connection of its own: PostgreSQL gives it
// back the moment that its holder dies, however it dies. It says nothing of a second server: see `directory-claim.ts`.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { Client } from 'pg';

/** "timmytow" in ASCII; any number that nobody else uses on this database would do. */
export const INSTANCE_LOCK = 0x74_69_6d_6d_79_74_6f_77n;

/** A holder that was killed a moment ago still seems to be there until PostgreSQL notices that its socket closed. */
const PATIENCE_MS = 1_000;

/** PostgreSQL cuts names off there (NAMEDATALEN − 1). */
const NAME_LIMIT = 63;

export interface InstanceClaim {
  /** Resolves if the connection breaks while the claim is held: from then on somebody else may hold it. */
  readonly lost: Promise<Error>;
  release(): Promise<void>;
}

/** What this process calls itself to others, e.g. `timmy-tower http://127.0.0.1:3000 pid 4711`. */
export function holderName(label: string): string {
  const suffix = ` pid ${process.pid}`;
  return label.slice(0, NAME_LIMIT - suffix.length) + suffix;
}

export const alreadyRunning = (holder: string, description = holder): AppError =>
  new AppError('unavailable', `Already running on this database: ${description}. Stop it first.`, {
    fields: { holder },
  });

/**
 * Claims the database at `url` for this process, until `release()`.
 * @param name of at most 63 bytes, as `holderName` makes it
 * @throws {AppError} naming the holder, in the message and as `fields.holder`, when another process holds it.
 */
export async function claimInstance(url: string, name: string): Promise<InstanceClaim> {
  const client = new Client({ connectionString: url, application_name: name, keepAlive: true });
  let cause = new Error('The connection that holds the claim on the database was closed');
  client.on('error', (error) => (cause = error));
  try {
    await client.connect();
    await acquire(client);
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  const lost = Promise.withResolvers<Error>();
  let isReleased = false;
  client.once('end', () => {
    if (!isReleased) lost.resolve(cause);
  });
  return {
    lost: lost.promise,
    async release() {
      isReleased = true;
      await client.end().catch(() => {});
    },
  };
}

async function acquire(client: Client): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { rows } = await client.query<{ claimed: boolean }>('SELECT pg_try_advisory_lock($1) AS claimed', [
      INSTANCE_LOCK,
    ]);
    if (rows[0]?.claimed) return;
    const holder = await findHolder(client);
    if (holder !== undefined && Date.now() >= deadline) throw alreadyRunning(holder);
    await delay(50);
  }
}

async function findHolder(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ holder: string }>(
    `SELECT activity.application_name AS holder
       FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
      WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (lock.classid::bigint << 32) | lock.objid::bigint = $1`,
    [INSTANCE_LOCK],
  );
  return rows[0]?.holder;
}
