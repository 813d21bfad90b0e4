/** Reads the configuration, serves until told to stop, and closes everything. */
import { loadConfig } from './config.ts';
import { createLog } from './log.ts';
import { startServer } from './server.ts';
import { startBanner } from './start-banner.ts';
import { startFailure } from './start-failure.ts';

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog();
  const stopSignal = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stopSignal.resolve(signal));
  }
  const server = await startServer(config, log);
  console.log(startBanner(config, server));
  log.info({ signal: await stopSignal.promise }, 'stopping: running turns may finish first');
  process.once('SIGINT', () => process.exit(130)); // asked twice, it does not wait
  await server.close();
}

try {
  await main();
} catch (error) {
  console.error(startFailure(error));
  process.exitCode = 1;
}
