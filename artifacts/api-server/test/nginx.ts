/** A real nginx for tests, where the program is installed. It runs without privileges, with a configuration of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { until } from './harness.ts';

const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
const START_MS = 10_000;

export const PROXY_PASSWORD = { user: 'door', password: 'open sesame' };

export interface TestProxy extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Where it does what the operators' page gives as an example, without the certificate. */
  readonly documentedUrl: string;
}

/** Where the program is; where it is not installed, a line on standard error says what was not tried. */
export function findNginx(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']; // Debian's place, in root's PATH alone
  const found = folders.map((folder) => join(folder, 'nginx')).find(isExecutable);
  if (found === undefined) process.stderr.write('SKIPPED: no nginx is installed, so nothing is tried through one\n');
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

/**
 * Starts one in front of a server. `/timmy/`: as nginx is by default (HTTP/1.0 to the server); `/guarded/`: behind a password of
 * its own, HTTP/1.1; `/holding/`: keeps back what comes, whatever it is asked.
 */
export async function openTestProxy(program: string, upstreamPort: number): Promise<TestProxy> {
  await using opening = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-nginx-'));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  const [port, documentedPort] = [await findFreePort(), await findFreePort()];
  const { user, password } = PROXY_PASSWORD;
  await writeFile(join(directory, 'passwords'), `${user}:{PLAIN}${password}\n`);
  await writeFile(
    join(directory, 'nginx.conf'),
    configurationOf(directory, port, upstreamPort, await readExample(documentedPort, upstreamPort)),
  );
  if (nobody) await chown(directory, nobody.uid, nobody.gid);
  const { process: child, log } = run(program, directory);
  opening.defer(() => end(child));
  const url = `http://127.0.0.1:${port}`;
  await until(() => isAnswering(url), START_MS).catch((cause: unknown) => {
    throw new Error(`nginx did not start: ${log()}`, { cause });
  });
  const opened = opening.move();
  return {
    url,
    documentedUrl: `http://127.0.0.1:${documentedPort}`,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function readExample(port: number, upstreamPort: number): Promise<string> {
  const page = await readFile(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
  return /```nginx\n(.*?)```/s
    .exec(page)![1]!
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replaceAll(/ssl_\w+ .*;/g, '')
    .replace('127.0.0.1:3000', `127.0.0.1:${upstreamPort}`);
}

const configurationOf = (directory: string, port: number, upstreamPort: number, example: string) => `
daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 20m;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location /timmy/ { proxy_pass http://127.0.0.1:${upstreamPort}/; }
    location /guarded/ {
      auth_basic "door";
      auth_basic_user_file ${directory}/passwords;
      proxy_http_version 1.1;
      proxy_pass http://127.0.0.1:${upstreamPort}/;
    }
    location /holding/ {
      proxy_ignore_headers X-Accel-Buffering;
      proxy_pass http://127.0.0.1:${upstreamPort}/;
    }
  }
  ${example}
}
`;

function run(program: string, directory: string): { process: ChildProcess; log: () => string } {
  const args = ['-c', join(directory, 'nginx.conf'), '-p', directory, '-e', 'stderr'];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...nobody });
  let logged = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged += text));
  const kill = () => void child.kill('SIGTERM');
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

const isAnswering = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  );

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (!address || typeof address === 'string') throw new Error('no port to listen on');
  return address.port;
}
