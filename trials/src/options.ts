import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

export const modes = ['server', 'database', 'freeze'] as const;
export type Mode = (typeof modes)[number];

export interface TrialOptions {
  readonly mode: Mode;
  /** How often the server, the database, or a server's time is stopped: at least once a round. */
  readonly kills: number;
  readonly seed: string;
  readonly clients: number;
  /** Where to work; unset: a durable PostgreSQL of the trial's own. */
  readonly databaseUrl?: string;
}

export const usage = `Usage: pnpm trial:crash [--mode server|database|freeze] [--kills 20] [--seed text] [--clients 8]`;

/** @throws {TypeError | RangeError} when an option is not one, or cannot be understood */
export function parseOptions(args: readonly string[]): TrialOptions {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      mode: { type: 'string', default: 'server' },
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      clients: { type: 'string', default: '8' },
    },
  });
  const mode = modes.find((name) => name === values.mode);
  if (!mode) throw new RangeError(`--mode is one of ${modes.join(', ')}`);
  return {
    mode,
    kills: wholeNumber('kills', values.kills),
    seed: values.seed,
    clients: wholeNumber('clients', values.clients),
  };
}

/** @throws {RangeError} naming the option */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} is a whole number, one or more`);
  return value;
}
