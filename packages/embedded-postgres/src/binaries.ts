// Finds the PostgreSQL server that npm brought along, and says whom it runs as: PostgreSQL refuses to run as root.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AppError } from '@timmy-tower/contract';
import { installedBinaries } from './installed-binaries.ts';

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

/** Whom PostgreSQL runs as when we are root and nobody else owns its directory. macOS counts its nobody from the top. */
const nobody = process.platform === 'darwin' ? 4_294_967_294 : 65_534;
export const NOBODY: ServerUser = { uid: nobody, gid: nobody };

/** All that PostgreSQL gets of our environment: nothing. Our own settings hold other services' keys. */
export const serverEnvironment = { LC_ALL: 'C', TZ: 'UTC' };

/** What to add to a child's options so that it runs as `user`. Node wants a signed number, macOS's nobody is 2³² − 2. */
export const runAs = (user: ServerUser | undefined) => (user ? { uid: user.uid | 0, gid: user.gid | 0 } : {});

/** @throws {AppError} when npm has no PostgreSQL for this platform, or when it does not run here. */
export async function findBinaries(platform = `${process.platform}-${process.arch}`): Promise<PostgresBinaries> {
  try {
    const { postgres, initdb } = await installedBinaries(platform);
    const { stdout } = await run(postgres, ['--version'], { env: serverEnvironment });
    const version = /(\d+)[\d.]*/.exec(stdout);
    if (version?.[1] === undefined) throw new AppError('unavailable', `cannot read a version in '${stdout}'`);
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
export const canExecute = async (binaries: PostgresBinaries, user: ServerUser): Promise<boolean> =>
  succeedsAs(user, binaries.postgres, ['--version']);

export const canReach = async (folder: string, user: ServerUser): Promise<boolean> =>
  succeedsAs(user, '/bin/sh', ['-c', 'test -x "$0"', folder]);

const succeedsAs = async (user: ServerUser, command: string, parameters: string[]): Promise<boolean> =>
  run(command, parameters, { ...runAs(user), cwd: '/', env: serverEnvironment }).then(
    () => true,
    () => false,
  );
