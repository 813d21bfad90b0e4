import { parseArgs, type ParseArgsConfig } from 'node:util';

/** What a command line asks for. One that asks for anything else ends with 2, and how to write it. */
export function readOptions<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs<Config>(config);
  } catch (error) {
    return refuseOptions(usage, error instanceof Error ? error.message : '');
  }
}

export function refuseOptions(usage: string, why: string): never {
  console.error(`${why}\n${usage}`);
  process.exit(2);
}
