/** Serves until told to stop, and closes everything. */
import { constants } from 'node:os';

import type { Logger } from 'pino';

import type { Config } from './config.ts';
import { watchLaunchers } from './launchers.ts';
import { startServer } from './server.ts';
import { startBanner } from './start-banner.ts';

/** A start that is told to stop closes what it opened; where that takes longer, the next start tidies up. */
const STOP_STARTING_MS = 5000;
/** SIGHUP is what a terminal that is closed sends. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type StopSignal = (typeof SIGNALS)[number];

/** @throws what `startServer` throws */
export async function serveUntilTold(config: Config, log: Logger): Promise<void> {
  const stopSignal = Promise.withResolvers<StopSignal>();
  const stopped = new AbortController();
  const stop = (signal: StopSignal) => {
    stopSignal.resolve(signal);
    stopped.abort();
  };
  for (const signal of SIGNALS) process.on(signal, () => stop(signal));
  watchLaunchers(() => stop('SIGTERM'));
  for (const warning of config.warnings) log.warn(warning);
  const starting = startServer(config, log, stopped.signal);
  const told = await Promise.race([starting.then(() => undefined), stopSignal.promise]);
  if (told !== undefined) return stopStarting(starting, told);
  const server = await starting;
  console.log(startBanner(config, server));
  log.info({ signal: await stopSignal.promise }, 'stopping: running turns may finish first');
  process.once('SIGINT', () => process.exit(exitCodeOf('SIGINT'))); // asked twice, it does not wait
  await server.close();
}

async function stopStarting(starting: ReturnType<typeof startServer>, signal: StopSignal): Promise<void> {
  console.error(`timmy-tower was told to stop (${signal}) while it started.`);
  process.exitCode = exitCodeOf(signal);
  setTimeout(() => process.exit(), STOP_STARTING_MS).unref();
  await starting.then(
    (server) => server.close(),
    () => {},
  );
}

const exitCodeOf = (signal: StopSignal) => 128 + constants.signals[signal];
