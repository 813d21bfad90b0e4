// The holder's side of a claim on a directory: touches it regularly, and notices when it is somebody else's.
import { beat, type Claim, describeClaim, type OwnClaim } from './claim-file.ts';

export const BEAT_MS = 1_000;

/**
 * Whoever could not beat for so long has lost the claim: another machine may soon follow it (`TAKEOVER_MS`). A beat writes no
 * data, so that a full disk does not stop it.
 */
export const GIVE_UP_MS = 8_000;

export interface Loss {
  readonly cause: Error;
  /** The successor adopted the PostgreSQL that runs: it is theirs, and goes on. */
  readonly adopted: boolean;
}

export interface Heartbeat {
  /** Resolves if the claim is lost, which is for good. */
  readonly lost: Promise<Loss>;
  /** Resolves once no beat is under way. */
  stop(): Promise<void>;
}

export function startHeartbeat(own: OwnClaim): Heartbeat {
  const { promise: lost, resolve } = Promise.withResolvers<Loss>();
  let current: Promise<void> | undefined;
  let lastAt = performance.now();
  let isOverdue = false;
  const timer = setInterval(tick, BEAT_MS).unref();

  function lose(cause: Error, adopted = false): void {
    clearInterval(timer);
    resolve({ cause, adopted });
  }

  /** A frozen process that wakes finds itself late without a fault: only a beat that fails, or hangs for two ticks, counts. */
  function tick(): void {
    const isLate = performance.now() - lastAt > GIVE_UP_MS;
    if (current && isLate && isOverdue)
      lose(new Error(`The claim on ${own.directory} could not be renewed: no answer`));
    isOverdue = current !== undefined;
    current ??= beatOnce(isLate).finally(() => (current = undefined));
  }

  async function beatOnce(isLate: boolean): Promise<void> {
    const startedAt = performance.now();
    try {
      const successor = await beat(own);
      if (successor) lose(followedBy(successor), successor.pipe !== '' && successor.pipe === own.content.pipe);
      lastAt = startedAt;
    } catch (cause) {
      if (isLate) lose(new Error(`The claim on ${own.directory} could not be renewed`, { cause }));
    }
  }

  return {
    lost,
    async stop() {
      clearInterval(timer);
      await current;
    },
  };
}

const followedBy = (successor: Claim): Error =>
  new Error(`The database was taken over by ${describeClaim(successor)}, which saw no sign of life here`);
