// As root, PostgreSQL runs as somebody else, who may not be able to look into our checkout (a folder of mkdtemp, /root):
// then the binaries are copied to a temporary folder. The copy belongs to root, so that the unprivileged user cannot
// change what it is about to execute. A copy names the directory it serves, so that who claimed that directory uses a killed
// run's again or clears it away, and nobody else's.
import { constants, cpSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '@timmy-tower/contract';
import { canExecute, canReach, type PostgresBinaries, type ServerUser } from './binaries.ts';

const PREFIX = 'timmy-tower-postgres-';

/** Folders for temporary files; the user that the server runs as may not reach the first. */
const temporaryFolders = () => [...new Set([tmpdir(), '/tmp', '/var/tmp'])];

/** A folder for temporary files that `user` can reach. */
export async function temporaryFolder(user: ServerUser | undefined): Promise<string> {
  if (!user) return tmpdir();
  for (const folder of temporaryFolders()) if (await canReach(folder, user)) return folder;
  throw new AppError(
    'unavailable',
    `As root, PostgreSQL runs as uid ${user.uid}, which can look into none of ${temporaryFolders().join(', ')}. ` +
      'Make one of them accessible, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** The binaries, or a copy of them, that `user` can execute for the server in `directory`: for who claimed it. */
export async function executableBinaries(
  found: PostgresBinaries,
  directory: string,
  user: ServerUser | undefined,
): Promise<PostgresBinaries> {
  if (!user || (await canExecute(found, user))) return found;
  for (const copy of await copiesFor(directory)) {
    if (await isComplete(copy, found)) return binariesIn(join(copy, 'binaries'), found);
  }
  await removeCopies(directory);
  const folder = await mkdtemp(join(await temporaryFolder(user), PREFIX));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'serves'), await identityOf(directory));
  return copyBinaries(found, join(folder, 'binaries'));
}

/** Removes the copies made for the server in `directory`. */
export async function removeCopies(directory: string): Promise<void> {
  for (const copy of await copiesFor(directory)) await rm(copy, { recursive: true, force: true });
}

/** Copies the binaries into a new folder, for everyone to read and for us alone to write. */
export async function copyBinaries(binaries: PostgresBinaries, folder: string): Promise<PostgresBinaries> {
  await mkdir(folder);
  // A thousand small files: at once it takes a third of the time.
  cpSync(installation(binaries), folder, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
  });
  await openForReading(folder);
  return binariesIn(folder, binaries);
}

/** The folder that holds `bin`, `lib` and `share`. */
const installation = (binaries: PostgresBinaries): string => dirname(dirname(binaries.postgres));

const binariesIn = (folder: string, like: PostgresBinaries): PostgresBinaries => ({
  ...like,
  postgres: join(folder, 'bin', 'postgres'),
  initdb: join(folder, 'bin', 'initdb'),
});

/** Folders that only root can have made, and that were made for `directory`. */
async function copiesFor(directory: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const identity = await identityOf(directory);
  const copies: string[] = [];
  for (const folder of temporaryFolders()) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      if (name.startsWith(PREFIX) && (await isRootsOwn(path)) && (await servedBy(path)) === identity) copies.push(path);
    }
  }
  return copies;
}

async function isRootsOwn(folder: string): Promise<boolean> {
  const facts = await lstat(folder).catch(() => undefined);
  return facts !== undefined && facts.isDirectory() && facts.uid === 0 && (facts.mode & 0o022) === 0;
}

const servedBy = async (copy: string): Promise<string | undefined> =>
  readFile(join(copy, 'serves'), 'utf8').catch(() => undefined);

/** Not its path: a copied or moved directory must not share what another one removes. */
async function identityOf(directory: string): Promise<string> {
  const { dev, ino } = await stat(directory);
  return `${dev}:${ino}`;
}

/** A run that was killed while copying, or that copied another version, left something else. */
async function isComplete(copy: string, found: PostgresBinaries): Promise<boolean> {
  const source = installation(found);
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const copied = await stat(path.replace(source, join(copy, 'binaries'))).catch(() => undefined);
    if (copied?.size !== (await stat(path)).size) return false;
  }
  return true;
}

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
