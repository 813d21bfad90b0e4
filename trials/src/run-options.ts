/** What every trial's command line needs. */

/** Runs with what the options say. @returns the exit code; 2 where they cannot be understood, with how to write them */
export async function readOptions<Options>(
  parse: (args: string[]) => Options,
  usage: string,
  run: (options: Options) => Promise<number>,
): Promise<number> {
  let options: Options;
  try {
    options = parse(process.argv.slice(2).filter((arg) => arg !== '--'));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : ''}\n${usage}`);
    return 2;
  }
  return run(options);
}

/** The first signal asks to stop after what is under way. @returns whether it came */
export function onFirstSignal(): () => boolean {
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  return () => stopped;
}
