/** Does what the command line says: mostly, reads the configuration and serves until told to stop. */
import { helpText, readCommand } from './command-line.ts';
import { loadConfig, loadDatabaseConfig } from './config.ts';
import { createLog } from './log.ts';
import { migrate } from './migrate.ts';
import { serveUntilTold } from './serve-until-told.ts';
import { startFailure } from './start-failure.ts';
import { version } from './version.ts';

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2));
  switch (command) {
    case 'start':
      return serveUntilTold(loadConfig(), createLog());
    case 'migrate':
      return runMigration();
    case 'help':
      return console.log(helpText());
    case 'version':
      return console.log(version);
  }
}

async function runMigration(): Promise<void> {
  const { settings, warnings } = loadDatabaseConfig();
  const log = createLog();
  for (const warning of warnings) log.warn(warning);
  await migrate(settings, log);
  console.log('The schema is up to date.');
}

try {
  await main();
} catch (error) {
  console.error(startFailure(error));
  process.exitCode = 1;
}
