/** The PostgreSQL of our own, for those who name none. */
import { join } from 'node:path';

import { type EmbeddedPostgres, openBeside, openEmbedded, type OpenOptions } from '@timmy-tower/embedded-postgres';
import type { Logger } from 'pino';

import { DATA_DIRECTORY } from './data-directory.ts';
import { describeError } from './log.ts';

const DIRECTORY = join(DATA_DIRECTORY, 'postgres');

/** For the server, alone. `label` is what the next one is told. */
export const openOwnPostgres = async (log: Logger, label: string): Promise<EmbeddedPostgres> =>
  openEmbedded(DIRECTORY, { label, onLost: exitOnLoss(log) });

/** For a command, beside a server that runs or without one. */
export const openPostgresBeside = async (log: Logger, label: string): Promise<EmbeddedPostgres> =>
  openBeside(DIRECTORY, { label, onLost: exitOnLoss(log) });

/** Another process may hold the database now: two must never run on it. */
const exitOnLoss = (log: Logger): OpenOptions['onLost'] => {
  return (cause) => {
    log.fatal({ error: describeError(cause) }, 'lost the embedded PostgreSQL: exiting, start again');
    process.exit(1);
  };
};
