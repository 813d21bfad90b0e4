// The folder that holds the product's database: `<directory>/<major>` with the data, `password`, `postgres.log`.
// Any number of processes may prepare it at once, and each may be killed at any point: every file and folder appears
// complete and under its final name, or not at all.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '@timmy-tower/contract';
import { initialise } from './server.ts';
import { NOBODY, type PostgresBinaries, type ServerUser } from './binaries.ts';

const LOG_LIMIT_BYTES = 1_000_000;

export interface Cluster {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly password: string;
}

/** @throws {AppError} when another major version's data is there, or when the data is there and its password is not. */
export async function openCluster(path: string, major: string): Promise<Cluster> {
  const directory = resolve(path);
  await mkdir(directory, { recursive: true });
  await refuseOtherMajors(directory, major);
  const dataDirectory = join(directory, major);
  return { directory, dataDirectory, password: await readOrMakePassword(directory, dataDirectory) };
}

/** Whom the server must run as: PostgreSQL wants its data directory to be its own, and does not run as root. */
export async function serverUser({ directory, dataDirectory }: Cluster): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const path of [dataDirectory, directory]) {
    const owner = await stat(path).catch(() => undefined);
    if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid || NOBODY.gid };
  }
  return NOBODY;
}

/** Makes the data directory unless it is there. Of two at once one wins, and both go on with the winner's. */
export async function ensureInitialised(
  { directory, dataDirectory, password }: Cluster,
  { binaries, user }: { binaries: PostgresBinaries; user: ServerUser | undefined },
): Promise<void> {
  if (isInitialised(dataDirectory)) {
    // Somebody may have copied or restored it, as root perhaps: PostgreSQL wants it to be its own and nobody else's.
    await chmod(dataDirectory, 0o700);
    if (user && (await stat(dataDirectory)).uid === 0) await giveTo(user, dataDirectory);
    return;
  }
  const folder = `${dataDirectory}.init-${process.pid}-${randomBytes(6).toString('hex')}`;
  try {
    // initdb looks up whom it runs as, and a folder's owner need not be known here (a mounted volume): nobody is.
    await initialise({ binaries, folder, user: user && NOBODY, password, durable: true });
    if (user && user.uid !== NOBODY.uid) {
      await chown(folder, 0, 0);
      await giveTo(user, join(folder, 'data'));
    }
    await rename(join(folder, 'data'), dataDirectory);
    await persistNames(directory);
  } catch (error) {
    if (!isInitialised(dataDirectory)) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where the server writes. Somebody's words may get into it: for the owner's eyes. */
export async function openLog(directory: string): Promise<string> {
  const path = join(directory, 'postgres.log');
  const size = await stat(path).then(
    (facts) => facts.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(path, `${path}.1`);
  await writeFile(path, '', { flag: 'a', mode: 0o600 });
  await keepPrivate(path, directory);
  return path;
}

const isInitialised = (dataDirectory: string): boolean => existsSync(join(dataDirectory, 'PG_VERSION'));

async function refuseOtherMajors(directory: string, major: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^\d+$/.test(name));
  const other = names.find((name) => name !== major && isInitialised(join(directory, name)));
  if (other === undefined) return;
  throw new AppError(
    'unavailable',
    `${directory} holds the data of PostgreSQL ${other}, and this is PostgreSQL ${major}. Dump it with the version that ` +
      `wrote it (pg_dumpall) and move ${join(directory, other)} away, start again, and restore the dump. ` +
      `To begin afresh, only move it away.`,
    { fields: { found: other, needed: major } },
  );
}

async function readOrMakePassword(directory: string, dataDirectory: string): Promise<string> {
  const path = join(directory, 'password');
  if (!existsSync(path)) {
    if (isInitialised(dataDirectory)) {
      throw new AppError(
        'unavailable',
        `${dataDirectory} is there but its password, ${path}, is not. Bring both back.`,
      );
    }
    await makePassword(path, directory);
  }
  await keepPrivate(path, directory);
  return (await readFile(path, 'utf8')).trim();
}

/** Of two at once the first one's stays. */
async function makePassword(path: string, directory: string): Promise<void> {
  const draft = `${path}.init-${process.pid}-${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flush: true });
    await link(draft, path);
    await persistNames(directory);
  } catch (error) {
    // Who claimed the directory meanwhile made one, and may have cleared our draft away.
    if (!existsSync(path)) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** What killed runs were in the middle of: for who claimed the directory. Drafts of others that wait for it may go as well. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.includes('.init-')) await rm(join(directory, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Readable by whoever owns the directory and, as ever, by root. */
export async function keepPrivate(path: string, directory: string): Promise<void> {
  await chmod(path, 0o600);
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(directory);
  await chown(path, uid, gid);
}

async function giveTo({ uid, gid }: ServerUser, folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await lchown(join(entry.parentPath, entry.name), uid, gid);
  }
  await lchown(folder, uid, gid);
}

/** After a power cut a new name is there for sure only if its folder was synced. */
async function persistNames(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
