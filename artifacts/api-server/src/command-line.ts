/** What the command line asks for. All else comes from the environment. */
import { settingsSchema } from './config.ts';
import { version } from './version.ts';

export type Command = 'start' | 'migrate' | 'help' | 'version';

const commands = new Map<string, Command>([
  ['start', 'start'],
  ['migrate', 'migrate'],
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
]);

/** @throws {RangeError} when it asks for anything else: nothing is passed over, and nothing repeated but an option's name */
export function readCommand([first, ...rest]: readonly string[]): Command {
  if (first === undefined) return 'start';
  if (rest.length > 0) throw new RangeError(`One command at a time, and nothing after it. ${USAGE}`);
  const command = commands.get(first);
  if (command === undefined) throw new RangeError(`${describe(first)} ${USAGE}`);
  return command;
}

const USAGE = 'Commands: start (which is meant when there is none), migrate, --help, --version.';

function describe(parameter: string): string {
  const name = /^--?([a-z][a-z-]{0,40})(=|$)/i.exec(parameter)?.[1];
  if (name === undefined) return 'There is no such command.';
  const setting = name.toUpperCase().replaceAll('-', '_');
  const hint = Object.hasOwn(settingsSchema.shape, setting) ? ` Set ${setting} in the environment instead.` : '';
  return `There is no option --${name}.${hint}`;
}

/** What `--help` prints. */
export function helpText(): string {
  const settings = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const fallback = schema.parse(undefined);
    const shown = fallback === undefined || Array.isArray(fallback) ? name : `${name}=${fallback}`;
    return `  ${shown}\n      ${schema.meta()?.description?.replaceAll('`', '')}`;
  });
  return `timmy-tower ${version}: prepaid AI conversations that remember

  start       serves until it is told to stop (SIGTERM, Ctrl-C); this is meant when no command is given
  migrate     brings the database's schema up to date, also beside a server that runs
  --help      prints this
  --version   prints the version

What it keeps is in .data, in the folder that it is started in. Settings come from the environment, each with its default:

${settings.join('\n')}
`;
}
