import { readOptions as readCommandLine, refuseOptions } from '../../scripts/read-options.ts';

export interface Options {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly json: string | undefined;
  /** Of the server to measure on; unset: one of our own. It may hold a password, so it is no argument. */
  readonly databaseUrl: string | undefined;
}

/** Ends the process, with how to write them, when it cannot be understood. `names`: what can be measured. */
export function readOptions(names: readonly string[]): Options {
  const usage = `Usage: pnpm bench [--quick] [--json file] [--only ${names.join('|')}]…`;
  const { values } = readCommandLine(usage, {
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
    },
  });
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) refuseOptions(usage, `There is no measurement ${unknown}`);
  // oxlint-disable-next-line node/no-process-env -- the bench's one setting
  const databaseUrl = process.env['BENCH_DATABASE_URL'];
  return { quick: values.quick, only: values.only, json: values.json, databaseUrl: databaseUrl || undefined };
}
