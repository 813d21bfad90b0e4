// The files by which a directory is claimed: `claim.<generation>`, of which the highest counts. A generation is made by a hard
// link, which only one can make: a claim is never overwritten or moved away, and nobody follows one that it did not judge.
import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { removePipe } from './alive-pipe.ts';
import { keepPrivate } from './directory.ts';
import { codeOf } from './process.ts';

/** A directory as the kernel that we run on knows it, and no other kernel does. */
export interface Place {
  /** This run of the kernel, and the mounted file system. Empty where there is no telling. */
  readonly volume: string;
  readonly inode: string;
}

export interface ClaimContent {
  readonly nonce: string;
  /** What the holder calls itself, for people. */
  readonly holder: string;
  readonly host: string;
  readonly place: Place;
  /** The name of the pipe that the holder and its PostgreSQL hold while they live; empty where there is none. */
  readonly pipe: string;
}

export interface OwnClaim {
  readonly directory: string;
  readonly generation: number;
  readonly content: ClaimContent;
}

export interface Claim extends ClaimContent {
  readonly generation: number;
  /** Compared with itself alone, never with a clock: the clocks of two machines differ. */
  readonly beatAt: number;
}

export async function placeOf(directory: string): Promise<Place> {
  const { dev, ino } = await stat(directory);
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { volume: boot && `${boot.trim()} ${dev}`, inode: String(ino) };
}

export const describeClaim = ({ holder, host }: ClaimContent): string =>
  (holder || 'a process that left no name') + (host === hostname() ? '' : ` on ${host || 'an unknown machine'}`);

/** The claim that counts, or the highest before a generation. One that cannot be read has an empty nonce. */
export async function readClaim(directory: string, before = Number.POSITIVE_INFINITY): Promise<Claim | undefined> {
  for (;;) {
    const generation = Math.max(0, ...(await generationsIn(directory)).filter((it) => it < before));
    if (generation === 0) return undefined;
    const claim = await readGeneration(directory, generation);
    if (claim) return claim;
  }
}

/** Claims the directory after `judged`, the claim that counts now. Undefined when somebody else was quicker. */
export async function publishClaim(
  directory: string,
  content: ClaimContent,
  judged: Claim | undefined,
): Promise<OwnClaim | undefined> {
  const own = { directory, generation: (judged?.generation ?? 0) + 1, content };
  if (!(await linkClaim(own))) return undefined;
  // A whole life of others may have passed since we judged: what we follow must still be there, and nobody beyond us.
  const top = await readClaim(directory);
  const previous = await readClaim(directory, own.generation);
  if (top?.nonce === content.nonce && previous?.nonce === judged?.nonce) return own;
  await rm(pathOf(own), { force: true });
  return undefined;
}

/** Shows that the holder lives, or answers with whoever claimed the directory since. Brings a claim back that was removed. */
export async function beat(own: OwnClaim): Promise<Claim | undefined> {
  const top = await readClaim(own.directory);
  if (top && top.nonce !== own.content.nonce) return top;
  if (!top) await linkClaim(own);
  const now = new Date();
  await utimes(pathOf(own), now, now);
  return undefined;
}

/** Takes the claim away, with its pipe. Somebody else's stays. */
export async function withdrawClaim(own: OwnClaim): Promise<void> {
  const { directory, generation, content } = own;
  const there = await readGeneration(directory, generation);
  if (there?.nonce !== content.nonce) return;
  await rm(pathOf(own), { force: true });
  if (content.pipe) await removePipe(directory, content.pipe);
}

/** Clears away what a claim has followed. A pipe that it took over stays. */
export async function removeClaimsBefore({ directory, generation, content }: OwnClaim): Promise<void> {
  for (;;) {
    const old = await readClaim(directory, generation);
    if (!old) return;
    if (old.pipe && old.pipe !== content.pipe) await removePipe(directory, old.pipe);
    await rm(pathOf({ directory, generation: old.generation }), { force: true });
  }
}

const pathOf = ({ directory, generation }: Pick<OwnClaim, 'directory' | 'generation'>): string =>
  join(directory, `claim.${generation}`);

async function generationsIn(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => /^claim\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

async function readGeneration(directory: string, generation: number): Promise<Claim | undefined> {
  try {
    await using file = await open(pathOf({ directory, generation }), 'r');
    const { mtimeMs: beatAt } = await file.stat();
    const lines = (await file.readFile('utf8')).split('\n');
    const [nonce = '', holder = '', host = '', volume = '', inode = '', pipe = ''] = lines;
    // The directory's owner may write here, and we may be root: a name that leads elsewhere is none.
    const isPipeName = /^alive\.[\w-]+$/.test(pipe);
    return { generation, beatAt, nonce, holder, host, place: { volume, inode }, pipe: isPipeName ? pipe : '' };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** False when that generation is there already, or when its holder cleared our draft away. */
async function linkClaim({ directory, generation, content }: OwnClaim): Promise<boolean> {
  const { nonce, holder, host, place, pipe } = content;
  const draft = join(directory, `claim.init-${process.pid}-${randomUUID()}`);
  const lines = [nonce, holder.replaceAll('\n', ' '), host, place.volume, place.inode, pipe];
  try {
    await writeFile(draft, `${lines.join('\n')}\n`, { flush: true });
    await keepPrivate(draft, directory);
    await link(draft, pathOf({ directory, generation }));
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
