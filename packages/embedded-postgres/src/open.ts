// PostgreSQL for those who have none: the server that npm brings along, on disk, durable, one per directory.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { clearPidFile, findRunning } from './adoption.ts';
import { findBinaries, type PostgresBinaries } from './binaries.ts';
import { claimInstance, holderName, type InstanceClaim } from './claim.ts';
import { claimDirectory, type DirectoryClaim } from './directory-claim.ts';
import { type Cluster, ensureInitialised, openCluster, openLog, removeLeftovers, serverUser } from './directory.ts';
import { executableBinaries, removeCopies } from './executable-binaries.ts';
import { isServing, signal } from './process.ts';
import { launch, stopServer } from './server.ts';
import { type EmbeddedPostgres, serverUrl } from './types.ts';

const ATTEMPTS = 5;
const PAUSE_MS = 200;
/** How long a guest waits for the server of whoever has claimed the directory: it may be the first start. */
const PATIENCE_MS = 15_000;

/** On the command line, where no configuration file overrides them. The log tells no one's words: statements, values. */
const settings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  autovacuum: 'on',
  password_encryption: 'scram-sha-256',
  log_checkpoints: 'off',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

export interface OpenOptions {
  /** What this process calls itself, e.g. `timmy-tower http://127.0.0.1:3000`. Its pid is added. */
  readonly label: string;
  /** Called once if the database is lost: from then on somebody else may have it. */
  readonly onLost: (cause: Error) => void;
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

/** Opened by us: a server, its lock, and the directory that it works in. */
interface Opened {
  readonly cluster: Cluster;
  readonly server: Server;
  readonly adopted: boolean;
  readonly lock: InstanceClaim;
  readonly claim: DirectoryClaim;
}

/**
 * Opens the embedded database for this process alone: starts the server in `<path>/<major>`, made if it is not there, or
 * adopts the one that a killed process left running. It goes on when this process dies. `stop()` stops it, unless it was lost.
 * @throws {AppError} when it cannot run: no binaries, another major version's data, a failed start; or naming the process
 *   that has it open (`fields.holder`), whose server is left alone.
 */
export async function openEmbedded(path: string, { label, onLost }: OpenOptions): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const cluster = await openCluster(path, binaries.major);
  const holder = holderName(label);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const running = await findRunning(cluster);
      const opened = running ? await adopt(cluster, running, holder) : await start(cluster, binaries, holder);
      return own(opened, onLost);
    } catch (error) {
      // The holder may have stopped the server between our two steps.
      if (error instanceof AppError || attempt === ATTEMPTS) throw error;
    }
    await delay(PAUSE_MS);
  }
}

/**
 * For a command beside whoever has the database open: uses the server that runs in `path` as a guest. Without a claim, so that
 * its owner may stop it at any moment, and `stop()` leaves it alone. When none runs, opens it as `openEmbedded` does.
 * @throws {AppError} as `openEmbedded`; naming a holder only when its server cannot be seen from here, or does not come up
 */
export async function openBeside(path: string, options: OpenOptions): Promise<EmbeddedPostgres> {
  const { major } = await findBinaries();
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const cluster = await openCluster(path, major);
    const running = await findRunning(cluster);
    if (running) return visit(cluster, running);
    try {
      return await openEmbedded(path, options);
    } catch (error) {
      // Whoever has just claimed it will have started its server in a moment.
      const isHeld = error instanceof AppError && 'holder' in error.fields;
      if (!isHeld || performance.now() > deadline) throw error;
    }
    await delay(PAUSE_MS);
  }
}

const visit = (cluster: Cluster, server: Server): EmbeddedPostgres => ({
  ...server,
  dataDirectory: cluster.dataDirectory,
  adopted: true,
  url: (database) => urlOf(cluster, server, database),
  stop: async () => {},
});

/** Whoever has the lock of a server that we can see is its owner: the claim on the directory follows. */
async function adopt(cluster: Cluster, server: Server, holder: string): Promise<Opened> {
  const lock = await claimInstance(urlOf(cluster, server), holder);
  try {
    const claim = await claimDirectory(cluster.directory, { holder, adopting: true });
    return { cluster, server, adopted: true, lock, claim };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Nothing is made, cleared away or started in the directory before it is claimed. */
async function start(cluster: Cluster, binaries: PostgresBinaries, holder: string): Promise<Opened> {
  const claim = await claimDirectory(cluster.directory, { holder, adopting: false });
  let server: Server | undefined;
  try {
    server = await launchIn(cluster, binaries, claim);
    const lock = await claimInstance(urlOf(cluster, server), holder);
    return { cluster, server, adopted: false, lock, claim };
  } catch (error) {
    // Another process that we share a process table with may have adopted the server at once: its claim follows ours.
    const isAdopted = server && error instanceof AppError;
    if (server && !isAdopted) await stopServer({ ...server, ...cluster });
    await (isAdopted ? claim.abandon() : claim.release());
    throw error;
  }
}

async function launchIn(cluster: Cluster, found: PostgresBinaries, { pipe }: DirectoryClaim): Promise<Server> {
  const { directory, dataDirectory } = cluster;
  await removeLeftovers(directory);
  const user = await serverUser(cluster);
  const binaries = await executableBinaries(found, directory, user);
  await ensureInitialised(cluster, { binaries, user });
  // A start may meet the last processes of a server that was killed.
  for (let attempt = 1; ; attempt += 1) {
    await clearPidFile(dataDirectory);
    const log = await openLog(directory);
    try {
      return await launch({ binaries, dataDirectory, user, log, settings, pipe });
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
    await delay(PAUSE_MS);
  }
}

function own({ cluster, server, adopted, lock, claim }: Opened, onLost: OpenOptions['onLost']): EmbeddedPostgres {
  const { directory, dataDirectory } = cluster;
  let ending: Promise<void> | undefined;
  /** The claims are kept until the server is gone: nobody may adopt a server that is about to be stopped. */
  const stop = async () => {
    await stopServer({ ...server, dataDirectory });
    await removeCopies(directory);
    await lock.release();
    await claim.release();
  };
  const letGo = async () => {
    await Promise.all([lock.release(), claim.abandon()]);
  };
  const lose = (cause: Error) => {
    if (ending) return;
    ending = letGo();
    onLost(cause);
  };
  const watchLock = async () => lose(await lock.lost);
  const watchClaim = async () => {
    const { cause, adopted: isTheirs } = await claim.lost;
    // Another server may start in the directory at any moment, or runs there already: at once, and without a last write.
    if (!isTheirs && isServing(server.pid, dataDirectory)) signal(server.pid, 'SIGQUIT');
    lose(cause);
  };
  void watchLock();
  void watchClaim();
  return {
    ...server,
    dataDirectory,
    adopted,
    url: (database) => urlOf(cluster, server, database),
    stop: async () => (ending ??= stop()),
  };
}

const urlOf = ({ password }: Cluster, { port }: Server, database?: string): string =>
  serverUrl({ port, password, database });
