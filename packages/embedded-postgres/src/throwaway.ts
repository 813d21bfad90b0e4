// A PostgreSQL for one run of the tests: quick, and gone afterwards. Nothing in it survives a crash, on purpose.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPipeHeld, makePipe, PIPE_PREFIX } from './alive-pipe.ts';
import { isRunning, isServing, readPidFile, signal, waitUntilGone } from './process.ts';
import { initialise, launch } from './server.ts';
import { copyBinaries, temporaryFolder } from './executable-binaries.ts';
import { type EmbeddedPostgres, serverUrl } from './types.ts';
import { canExecute, findBinaries, NOBODY } from './binaries.ts';

const PREFIX = 'timmy-tower-throwaway-';

const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: 200,
  wal_level: 'minimal',
  max_wal_senders: 0,
  wal_init_zero: 'off',
  io_method: 'sync',
  jit: 'off',
  bgwriter_lru_maxpages: 0,
};

/**
 * Starts an empty server that is removed, data and all, by `stop()`. One whose owner was killed is removed by the next
 * call, in any process.
 */
export async function startThrowawayPostgres(): Promise<EmbeddedPostgres> {
  const user = process.getuid?.() === 0 ? NOBODY : undefined;
  const temporary = await temporaryFolder(user);
  await removeOrphans(temporary);
  const directory = await mkdtemp(join(temporary, `${PREFIX}${process.pid}-`));
  const pipe = await makePipe(directory);
  try {
    await chmod(directory, 0o755);
    const found = await findBinaries();
    const binaries =
      !user || (await canExecute(found, user)) ? found : await copyBinaries(found, join(directory, 'binaries'));
    const password = randomBytes(24).toString('base64url');
    const folder = join(directory, 'cluster');
    await initialise({ binaries, folder, user, password, durable: false });
    const dataDirectory = join(folder, 'data');
    const log = join(directory, 'postgres.log');
    const { pid, port } = await launch({ binaries, dataDirectory, user, log, settings });
    const quit = () => isServing(pid, dataDirectory) && signal(pid, 'SIGQUIT');
    process.once('exit', quit);
    return {
      pid,
      port,
      dataDirectory,
      adopted: false,
      url: (database) => serverUrl({ port, password, database }),
      async stop() {
        process.off('exit', quit);
        pipe?.close();
        await destroy(directory);
      },
    };
  } catch (error) {
    pipe?.close();
    await destroy(directory);
    throw error;
  }
}

/** What killed runs left in the folder for temporary files. */
export async function removeOrphans(temporary: string): Promise<void> {
  const mine = process.getuid?.();
  for (const name of await readdir(temporary)) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    const directory = join(temporary, name);
    if (!(owner > 0) || isRunning(owner) || (await isHeld(directory))) continue;
    const facts = await stat(directory).catch(() => undefined);
    if (facts?.uid === mine) await destroy(directory);
  }
}

/** By an owner in another pid namespace, to whom its number says nothing here. */
async function isHeld(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.some((name) => name.startsWith(PIPE_PREFIX) && isPipeHeld(directory, name) === true);
}

/** Immediate shutdown: there is nothing to keep. */
async function destroy(directory: string): Promise<void> {
  const dataDirectory = join(directory, 'cluster', 'data');
  const pid = readPidFile(dataDirectory)?.pid;
  if (pid !== undefined && isServing(pid, dataDirectory)) {
    signal(pid, 'SIGQUIT');
    await waitUntilGone(pid, 10_000);
  }
  // A thousand small files: at once it takes a tenth of the time.
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
