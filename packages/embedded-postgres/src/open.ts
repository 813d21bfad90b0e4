// PostgreSQL for those who have none: the server that npm brings along, on disk, durable, one per directory.
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@timmy-tower/contract';
import { findRunning } from './adoption.ts';
import { executableBinaries, removeCopies } from './executable-binaries.ts';
import { claimInstance, type ClaimOptions } from './claim.ts';
import { type Cluster, ensureInitialised, openCluster, openLog, serverUser } from './directory.ts';
import { launch, stopServer } from './server.ts';
import { type EmbeddedPostgres, serverUrl } from './types.ts';
import { findBinaries, type PostgresBinaries } from './binaries.ts';

const ATTEMPTS = 5;
const PAUSE_MS = 200;

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

/**
 * Starts the server in `<directory>/<major>`, made if it is not there, or adopts the one that runs in it already.
 * It goes on when this process dies. Stopping it stops it for everyone: `openEmbedded` knows whether that is right.
 * @throws {AppError} when it cannot run: no binaries, another major version's data, a failed start.
 */
export async function startPostgres({ directory }: { directory: string }): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const cluster = await openCluster(directory, binaries.major);
  // A start may lose against another one, or meet the last processes of a server that was killed: look and try again.
  for (let attempt = 1; ; attempt += 1) {
    const running = await findRunning(cluster);
    if (running) return embedded(cluster, running, true);
    try {
      return embedded(cluster, await launchIn(cluster, binaries), false);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
    await delay(PAUSE_MS);
  }
}

/**
 * Opens the embedded database for this process alone. Its `stop()` stops the server too, unless the claim was lost.
 * @throws {AppError} naming the process that has it open (`fields.holder`), whose server is left alone.
 */
export async function openEmbedded(directory: string, { label, onLost }: ClaimOptions): Promise<EmbeddedPostgres> {
  let stopping: Promise<void> | undefined;
  const options = {
    label,
    onLost: (cause: Error) => {
      if (!stopping) onLost(cause);
    },
  };
  for (let attempt = 1; ; attempt += 1) {
    const server = await startPostgres({ directory });
    try {
      const claim = await claimInstance(server.url(), options);
      // The claim is kept until the server is gone: nobody may adopt a server that is about to be stopped.
      const stop = async () => {
        if (claim.held) await server.stop();
        await claim.release();
      };
      return { ...server, stop: async () => (stopping ??= stop()) };
    } catch (error) {
      // The holder may have stopped the server between our two steps.
      if (error instanceof AppError || attempt === ATTEMPTS) throw error;
    }
    await delay(PAUSE_MS);
  }
}

async function launchIn(cluster: Cluster, found: PostgresBinaries): Promise<{ pid: number; port: number }> {
  const user = await serverUser(cluster);
  const binaries = await executableBinaries(found, cluster.directory, user);
  await ensureInitialised(cluster, { binaries, user });
  const log = await openLog(cluster.directory);
  return launch({ binaries, dataDirectory: cluster.dataDirectory, user, log, settings });
}

function embedded(cluster: Cluster, server: { pid: number; port: number }, adopted: boolean): EmbeddedPostgres {
  const { directory, dataDirectory, password } = cluster;
  const stop = async () => {
    await stopServer({ ...server, dataDirectory });
    await removeCopies(directory);
  };
  let stopping: Promise<void> | undefined;
  return {
    ...server,
    dataDirectory,
    adopted,
    url: (database) => serverUrl({ port: server.port, password, database }),
    stop: async () => (stopping ??= stop()),
  };
}
