/** Reads the configuration, serves until told to stop, and closes everything. */
import { constants } from 'node:os';

import { loadConfig } from './config.ts';
import { createLog } from './log.ts';
import { startServer } from './server.ts';
import { startBanner } from './start-banner.ts';
import { startFailure } from './start-failure.ts';

/** A start that is told to stop closes what it opened; where that takes longer, the next start tidies up. */
const STOP_STARTING_MS = 5000;

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog();
  const stopSignal = Promise.withResolvers<NodeJS.Signals>();
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stopSignal.resolve(signal);
      stopped.abort();
    });
  }
  const starting = startServer(config, log, stopped.signal);
  const told = await Promise.race([starting.then(() => undefined), stopSignal.promise]);
  if (told !== undefined) return stopStarting(starting, told);
  const server = await starting;
  console.log(startBanner(config, server));
  log.info({ signal: await stopSignal.promise }, 'stopping: running turns may finish first');
  process.once('SIGINT', () => process.exit(exitCodeOf('SIGINT'))); // asked twice, it does not wait
  await server.close();
}

async function stopStarting(starting: ReturnType<typeof startServer>, signal: NodeJS.Signals): Promise<void> {
  console.error(`timmy-tower was told to stop (${signal}) while it started.`);
  process.exitCode = exitCodeOf(signal);
  setTimeout(() => process.exit(), STOP_STARTING_MS).unref();
  await starting.then(
    (server) => server.close(),
    () => {},
  );
}

const exitCodeOf = (signal: NodeJS.Signals) => 128 + constants.signals[signal];

try {
  await main();
} catch (error) {
  console.error(startFailure(error));
  process.exitCode = 1;
}
