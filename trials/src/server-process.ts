/** The real server as a process of its own, to be killed and to be frozen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PREFLIGHT = fileURLToPath(new URL('../../scripts/preflight.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../artifacts/api-server/src/main.ts', import.meta.url));
const WALLET = new URL('unreliable-wallet.ts', import.meta.url).href;
const KEPT_OUTPUT = 20_000;

export interface ServerProcess {
  readonly url: string;
  readonly name: string;
  /** Set before it is killed: from then on a broken connection is our own doing. */
  readonly killed: boolean;
  /** Whether its time was ever stopped. */
  readonly wasFrozen: boolean;
  readonly frozen: boolean;
  /** SIGKILL. Resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: its time stands still, its connections stay. */
  freeze(): void;
  thaw(): void;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface ServerPlace {
  readonly directory: string;
  readonly databaseUrl: string;
  readonly name: string;
}

/** Starts a server in `directory`. @throws {Error} with the end of its output when it ends instead */
export async function startServer(place: ServerPlace): Promise<ServerProcess> {
  const child = launch(place);
  const ended = once(child, 'close').then(() => running.delete(child));
  const url = await firstUrl(child, ended);
  let killed = false;
  let frozen = false;
  let wasFrozen = false;
  return {
    url,
    name: place.name,
    get killed() {
      return killed;
    },
    get frozen() {
      return frozen;
    },
    get wasFrozen() {
      return wasFrozen;
    },
    async kill() {
      killed = true;
      child.kill('SIGKILL');
      await ended;
    },
    freeze() {
      frozen = wasFrozen = true;
      child.kill('SIGSTOP');
    },
    thaw() {
      child.kill('SIGCONT');
      frozen = false;
    },
  };
}

/** Starts one and kills it a moment later, whatever it has come to by then. */
export async function killWhileStarting(place: ServerPlace, afterMs: number): Promise<void> {
  const child = launch(place);
  const ended = once(child, 'close').then(() => running.delete(child));
  await delay(afterMs);
  child.kill('SIGKILL');
  await ended;
}

function launch({ directory, databaseUrl }: ServerPlace): ChildProcess {
  const child = spawn(process.execPath, ['--import', PREFLIGHT, '--import', WALLET, MAIN], {
    cwd: directory,
    env: { PORT: '0', DATABASE_URL: databaseUrl, NEW_SESSIONS_PER_MINUTE: '1000000' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  return child;
}

/** Where it says that it listens. */
async function firstUrl(child: ChildProcess, ended: Promise<unknown>): Promise<string> {
  let output = '';
  const found = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
      const url = /running at (http:\S+)/.exec(output)?.[1];
      if (url) found.resolve(url);
    });
  }
  const url = await Promise.race([found.promise, ended.then(() => undefined)]);
  if (url === undefined) throw new Error(`The server did not start:\n${output}`);
  return url;
}
