import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly json: string | undefined;
  /** Of the server to measure on; unset: one of our own. It may hold a password, so it is no argument. */
  readonly databaseUrl: string | undefined;
}

/** @throws {TypeError} when there is an argument that does not exist */
export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
    },
  });
  // oxlint-disable-next-line node/no-process-env -- the bench's one setting
  const databaseUrl = process.env['BENCH_DATABASE_URL'];
  return { quick: values.quick, only: values.only, json: values.json, databaseUrl: databaseUrl || undefined };
}
