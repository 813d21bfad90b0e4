// One server at a time on the embedded database. The claim is an advisory lock on a connection of its own: PostgreSQL
// gives it back the moment that its holder dies, however it dies.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { Client } from 'pg';

/** "timmytow" in ASCII; any number that nobody else uses on this database would do. */
export const INSTANCE_LOCK = 0x74_69_6d_6d_79_74_6f_77n;

/** A holder that was killed a moment ago still seems to be there until PostgreSQL notices that its socket closed. */
const PATIENCE_MS = 1_000;

/** PostgreSQL cuts names off there (NAMEDATALEN − 1). */
const NAME_LIMIT = 63;

export interface ClaimOptions {
  /** What this server calls itself, e.g. `timmy-tower http://127.0.0.1:3000`. Its pid is added. */
  readonly label: string;
  /** Called once if the connection breaks while the claim is held: from then on somebody else may hold it. */
  readonly onLost: (cause: Error) => void;
}

export interface InstanceClaim {
  readonly held: boolean;
  release(): Promise<void>;
}

/**
 * Claims the database at `url` for this process, until `release()`.
 * @throws {AppError} naming the holder, in the message and as `fields.holder`, when another process holds it.
 */
export async function claimInstance(url: string, { label, onLost }: ClaimOptions): Promise<InstanceClaim> {
  const suffix = ` pid ${process.pid}`;
  const name = label.slice(0, NAME_LIMIT - suffix.length) + suffix;
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
  let held = true;
  client.once('end', () => {
    if (!held) return;
    held = false;
    onLost(cause);
  });
  return {
    get held() {
      return held;
    },
    async release() {
      held = false;
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
    if (holder !== undefined && Date.now() >= deadline) {
      throw new AppError('unavailable', `Already running on this database: ${holder}. Stop it first.`, {
        fields: { holder },
      });
    }
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
