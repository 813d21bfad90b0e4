// One PostgreSQL at a time in a directory, also where several machines or containers (pid namespaces) can see it. Two
// PostgreSQLs on one directory lose what was committed, and process ids say nothing there: each finds the other's dead.
//
// A claim is a file that its holder touches once a second, and a pipe that its holder and its PostgreSQL hold open.
// What is guaranteed:
// - Containers that share a volume of one kernel: never two, whoever is killed, frozen or woken, and whenever. Who holds the
//   pipe lives, frozen or not, and is not taken over; who does not is dead for certain, and followed at once.
// - Elsewhere (another machine, a reboot, macOS, a file system without pipes): a claim is followed once no beat was seen for
//   TAKEOVER_MS on the observer's own clock. A holder notices a successor with its next beat, and gives up after GIVE_UP_MS
//   without one; its PostgreSQL is then stopped at once. There remains what happens between a machine's waking up and its
//   first beat, a few milliseconds; and a PostgreSQL that outlived its owner is noticed by nobody, until it notices
//   itself, within a minute, that `postmaster.pid` is not its own any more.
// What is not: network file systems that show old directories for longer than that (a cache of attributes), and claims
// that somebody removes by hand while a server runs on the other machine.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { type AlivePipe, holdPipe, isPipeHeld, makePipe, removePipe } from './alive-pipe.ts';
import { alreadyRunning } from './claim.ts';
import {
  type Claim,
  describeClaim,
  type OwnClaim,
  type Place,
  placeOf,
  publishClaim,
  readClaim,
  removeClaimsBefore,
  withdrawClaim,
} from './claim-file.ts';
import { BEAT_MS, type Loss, startHeartbeat } from './heartbeat.ts';

/** Longer than a holder that lives goes on without a beat (`GIVE_UP_MS`) and takes to stop its PostgreSQL. */
export const TAKEOVER_MS = 15_000;

/** How long a holder that is there may be silent: it may be just going, or frozen. */
const SIGN_OF_LIFE_MS = 2.5 * BEAT_MS;

const LOOK_MS = 50;

export interface DirectoryClaim {
  /** For PostgreSQL to inherit: nobody else starts one here while any process holds it. */
  readonly pipe: AlivePipe | undefined;
  /** Resolves if the claim is lost, which is for good. */
  readonly lost: Promise<Loss>;
  /** Gives the directory back, once PostgreSQL is gone. */
  release(): Promise<void>;
  /** Ends our own hold, where PostgreSQL goes on without us or is somebody else's by now. */
  abandon(): Promise<void>;
}

/**
 * Claims the directory for `holder`, as soon as that is safe.
 * @param adopting that a PostgreSQL of this directory runs here, and that we hold its lock: its owner is gone
 * @throws {AppError} naming who has it, in the message and as `fields.holder`
 */
export async function claimDirectory(
  directory: string,
  { holder, adopting }: { holder: string; adopting: boolean },
): Promise<DirectoryClaim> {
  const place = await placeOf(directory);
  for (;;) {
    const judged = adopting ? await findAdoptable(directory, place) : await waitUntilFree(directory, place);
    const inherited = adopting && judged?.pipe ? holdPipe(directory, judged.pipe) : undefined;
    const pipe = inherited ?? (await makePipe(directory));
    const content = { nonce: randomUUID(), holder, host: hostname(), place, pipe: pipe?.name ?? '' };
    const own = await publishClaim(directory, content, judged);
    if (own) {
      await removeClaimsBefore(own);
      return holdClaim(own, pipe);
    }
    pipe?.close();
    if (pipe && !inherited) await removePipe(directory, pipe.name);
  }
}

function holdClaim(own: OwnClaim, pipe: AlivePipe | undefined): DirectoryClaim {
  const heartbeat = startHeartbeat(own);
  let ending: Promise<void> | undefined;
  const end = async (free: boolean) => {
    await heartbeat.stop();
    if (free) await withdrawClaim(own);
    pipe?.close();
  };
  return {
    pipe,
    lost: heartbeat.lost,
    release: async () => (ending ??= end(true)),
    abandon: async () => (ending ??= end(false)),
  };
}

/** What the server's last owner left; a claim that another machine made has to be waited for as ever. */
async function findAdoptable(directory: string, place: Place): Promise<Claim | undefined> {
  const claim = await readClaim(directory);
  return claim && claim.place.volume !== place.volume ? waitUntilFree(directory, place) : claim;
}

/** Resolves with the claim that may be followed, if there is one. */
async function waitUntilFree(directory: string, place: Place): Promise<Claim | undefined> {
  let seen = await readClaim(directory);
  let [seenSince, lookedAt] = [performance.now(), performance.now()];
  for (;;) {
    const life = seen ? lifeOf(directory, seen, place) : 'gone';
    const silentMs = lookedAt - seenSince;
    if (!seen || life === 'gone' || (life === 'unknown' && silentMs > TAKEOVER_MS)) return seen;
    if (life === 'there' && silentMs > SIGN_OF_LIFE_MS) throw silent(seen);
    await delay(LOOK_MS);
    // Taken before we look: however long we are frozen in between, what we saw was as it was for so long.
    lookedAt = performance.now();
    const now = await readClaim(directory);
    if (now && now.nonce === seen.nonce && now.beatAt !== seen.beatAt)
      throw alreadyRunning(now.holder, describeClaim(now));
    if (now?.nonce !== seen.nonce) seenSince = performance.now();
    seen = now;
  }
}

/** The kernel's word counts for a claim that was made on the same one. A copied claim is nobody's. */
function lifeOf(directory: string, claim: Claim, place: Place): 'there' | 'gone' | 'unknown' {
  const held = claim.pipe === '' ? undefined : isPipeHeld(directory, claim.pipe);
  if (held) return 'there';
  const isSameKernel = place.volume !== '' && claim.place.volume === place.volume;
  const isCopy = claim.place.inode !== place.inode;
  return isSameKernel && (isCopy || held === false) ? 'gone' : 'unknown';
}

const silent = (claim: Claim): AppError =>
  new AppError(
    'unavailable',
    `${describeClaim(claim)} has this database and gives no sign of life. It is frozen, or it was killed and its PostgreSQL ` +
      'goes on where this process cannot see it, such as in another container. End what is left of it, then start again.',
    { fields: { holder: claim.holder } },
  );
