/** The real server as a process of its own, to be killed and to be frozen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The code that this file belongs to. */
export const THIS_CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const KEPT_OUTPUT = 20_000;

export interface ServerProcess {
  /** Empty before it listens. */
  readonly url: string;
  readonly name: string;
  readonly pid: number;
  /** Set before it is killed: from then on a broken connection is our own doing. */
  readonly killed: boolean;
  /** Whether its time was ever stopped. */
  readonly wasFrozen: boolean;
  readonly frozen: boolean;
  /** Sees every answer that a client gets of it. */
  observe?: (response: Response) => void;
  /** SIGKILL. Resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves once it is gone. */
  stop(): Promise<void>;
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
  /** Settings beside those that every trial needs. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The folder with the code to run, where it is not this one's. */
  readonly checkout?: string | undefined;
  /** Its wallet tells of each payment, once, when it comes. */
  readonly reliableWallet?: boolean;
}

/** Starts a server in `directory`. @throws {Error} with the end of its output when it ends instead */
export async function startServer(place: ServerPlace): Promise<ServerProcess> {
  const { server, listening } = beginServer(place);
  await listening;
  return server;
}

/** Starts a server that can be frozen on its way. */
export function beginServer(place: ServerPlace): { server: ServerProcess; listening: Promise<void> } {
  const child = launch(place);
  const ended = once(child, 'close').then(() => running.delete(child));
  const server = new ServerHandle(child, place.name, ended);
  const listening = firstUrl(child, ended);
  const named = async () => {
    server.url = await listening;
  };
  return { server, listening: named() };
}

class ServerHandle implements ServerProcess {
  readonly name: string;
  url = '';
  killed = false;
  frozen = false;
  wasFrozen = false;
  observe?: (response: Response) => void;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess, name: string, ended: Promise<unknown>) {
    this.#child = child;
    this.name = name;
    this.#ended = ended;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  freeze(): void {
    this.frozen = this.wasFrozen = true;
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
    this.frozen = false;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.killed = true;
    this.#child.kill(signal);
    await this.#ended;
  }
}

/** Starts one and kills it a moment later, whatever it has come to by then. */
export async function killWhileStarting(place: ServerPlace, afterMs: number): Promise<void> {
  const child = launch(place);
  const ended = once(child, 'close').then(() => running.delete(child));
  await delay(afterMs);
  child.kill('SIGKILL');
  await ended;
}

function launch(place: ServerPlace): ChildProcess {
  const { directory, databaseUrl, environment, checkout = THIS_CHECKOUT, reliableWallet = false } = place;
  const imports = ['scripts/preflight.mjs', ...(reliableWallet ? [] : ['trials/src/unreliable-wallet.ts'])];
  const args = imports.flatMap((path) => ['--import', pathToFileURL(join(checkout, path)).href]);
  const child = spawn(process.execPath, [...args, join(checkout, 'artifacts/api-server/src/main.ts')], {
    cwd: directory,
    env: { PORT: '0', DATABASE_URL: databaseUrl, NEW_SESSIONS_PER_MINUTE: '1000000', ...environment },
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
