/** A real PgBouncer for tests, where the program is installed. It runs without privileges, with a configuration of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { administer } from './testing-administer.ts';

/** As root it refuses to run. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
const START_MS = 10_000;

export interface TestPooler extends AsyncDisposable {
  /** The database, by way of the pooler. */
  readonly url: string;
  /** What it logged. */
  readonly log: () => string;
  /** Has its connections to PostgreSQL opened anew, so that they take over what a role was set to meanwhile. */
  reconnect(): Promise<void>;
}

/** Where the program is; where it is not installed, a line on standard error says what was not tried. */
export function findPgBouncer(): string | undefined {
  // oxlint-disable-next-line node/no-process-env
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']; // Debian's place, in root's PATH alone
  const found = folders.map((folder) => join(folder, 'pgbouncer')).find(isExecutable);
  if (found === undefined)
    process.stderr.write('SKIPPED: no pgbouncer is installed, so nothing is tried through one\n');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts one with `pool_mode = transaction` in front of the database that a URL names, for that URL's user. */
export async function openTestPooler(
  program: string,
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPooler> {
  await using opening = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-pooler-'));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  const url = new URL(databaseUrl);
  url.port = String(await findFreePort());
  url.hostname = '127.0.0.1';
  await writeConfiguration(directory, { databaseUrl, port: url.port, settings });
  const { process: child, log } = run(program, directory);
  opening.defer(() => end(child));
  await untilAnswering(url.href, log);
  const opened = opening.move();
  return {
    url: url.href,
    log,
    reconnect: () => administer(url.href, 'RECONNECT', 'pgbouncer'),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function writeConfiguration(
  directory: string,
  given: { databaseUrl: string; port: string; settings: Readonly<Record<string, string>> },
): Promise<void> {
  const { hostname, port, username, password } = new URL(given.databaseUrl);
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: given.port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(directory, 'users.txt'),
    admin_users: user,
    pool_mode: 'transaction',
    default_pool_size: '5',
    ...given.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const databases = `[databases]\n* = host=${hostname} port=${port || '5432'}`;
  await writeFor(nobody, join(directory, 'pgbouncer.ini'), `${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
  await writeFor(nobody, join(directory, 'users.txt'), `"${user}" "${secret}"\n`);
  if (nobody) await chown(directory, nobody.uid, nobody.gid);
}

async function writeFor(owner: typeof nobody, file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  if (owner) await chown(file, owner.uid, owner.gid);
}

function run(program: string, directory: string): { process: ChildProcess; log: () => string } {
  const child = spawn(program, [join(directory, 'pgbouncer.ini')], { stdio: ['ignore', 'pipe', 'pipe'], ...nobody });
  let logged = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (logged += text));
  }
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return { process: child, log: () => logged };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

async function untilAnswering(url: string, log: () => string): Promise<void> {
  for (const deadline = performance.now() + START_MS; ;) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await administer(url, 'SELECT 1', new URL(url).pathname.slice(1));
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`PgBouncer did not start: ${log()}`, { cause });
    }
    // oxlint-disable-next-line no-await-in-loop
    await delay(20);
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (!address || typeof address === 'string') throw new Error('no port to listen on');
  return address.port;
}
