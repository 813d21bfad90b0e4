/** Reads what a schema asks for from the environment, and says all that is wrong with it at once. */
import type { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Fault {
  readonly name: string;
  readonly message: string;
}

export interface ReadOptions<Settings> {
  /** What is wrong with settings of which each is good by itself. */
  readonly findFaults: (settings: Settings) => readonly Fault[];
  /** Told beside the faults. */
  readonly warnings: readonly string[];
}

/** Says every setting that is wrong, each with what it should be; never a value, which may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid-settings';
}

/** A blank value counts as unset. @throws {ConfigError} */
export function readSettings<T extends z.ZodObject>(
  schema: T,
  env: Environment,
  { findFaults, warnings }: ReadOptions<z.infer<T>>,
): z.infer<T> {
  const given = readGiven(env, Object.keys(schema.shape));
  const alone = findFaultsAlone(schema, given);
  // What is bad by itself counts as unset here, so that the rest is looked at all the same.
  const settings = schema.parse(Object.fromEntries(Object.entries(given).filter(([name]) => !alone.has(name))));
  const together = findFaults(settings).filter(({ name, message }) => {
    return ![name, ...message.split(/\W+/)].some((mentioned) => alone.has(mentioned));
  });
  const faults = [...alone.values(), ...together];
  if (faults.length > 0) throw configError(faults, warnings);
  return settings;
}

function readGiven(env: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name]?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

/** One for each setting, by its name. */
function findFaultsAlone(schema: z.ZodObject, given: Readonly<Record<string, string>>): ReadonlyMap<string, Fault> {
  const quoted = Object.keys(given)
    .filter((name) => isQuoted(given[name]!))
    .map((name) => ({ name, message: 'is in quotes, and they count: take them away' }));
  const issues = schema.safeParse(given).error?.issues ?? [];
  const faults = [...issues.map(({ path, message }) => ({ name: path.join('.'), message })), ...quoted];
  return new Map(faults.map((fault) => [fault.name, fault]));
}

/** As in files of settings that are read by something else than a shell. */
const isQuoted = (value: string) => /^"[^"]*"$|^'[^']*'$/.test(value);

function configError(faults: readonly Fault[], warnings: readonly string[]): ConfigError {
  const lines = [...faults.map(({ name, message }) => `${name}: ${message}`), ...warnings];
  return new ConfigError(
    `These settings need a look:\n${lines.map((line) => `  ${line}`).join('\n')}\n` +
      'Every setting with its default stands in the README, and in what --help prints.',
  );
}
