/**
 * A program of its own, so that it can be run where the network is loopback alone: starts a server by the command that it is
 * given, in an empty folder, pays, talks, stops it and starts it again. It prints what it found, as JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export interface Journey {
  /** All but loopback. */
  readonly otherInterfaces: readonly string[];
  readonly banner: string;
  readonly statuses: Readonly<Record<string, number>>;
  readonly migrated: { readonly code: number | null; readonly text: string };
  readonly saidBefore: readonly string[];
  readonly saidAfter: readonly string[];
  readonly exitCodes: readonly (number | null)[];
}

interface Answer {
  readonly session: { readonly id: string };
  readonly key: string;
  readonly invoice: { readonly bolt11: string };
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const [command = '', ...parameters] = process.argv.slice(2);

function run(more: readonly string[] = []) {
  const child = spawn(command, [...parameters, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output.text += text));
  }
  return { child, output };
}

async function start() {
  const { child, output } = run();
  while (!/running at http[\s\S]*Ctrl-C/.test(output.text)) {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.text}`);
    await delay(20);
  }
  return { child, banner: output.text, url: /running at (http:\S+)/.exec(output.text)![1]! };
}

async function stop(child: ChildProcess): Promise<number | null> {
  const closed = once(child, 'close'); // by the last process that it started
  child.kill('SIGTERM');
  await closed;
  return child.exitCode;
}

async function ask(url: string, { key, body }: { key?: string; body?: unknown } = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

async function said(session: string, key: string): Promise<string[]> {
  const { messages } = await ask(`${session}/messages`, { key });
  return messages.map(({ role, content }) => `${role}: ${content}`);
}

const first = await start();
const statuses: Record<string, number> = {};
for (const path of ['/', '/docs', '/docs/swagger-ui-bundle.js', '/openapi.json', '/readyz']) {
  const response = await fetch(first.url + path);
  statuses[path] = response.status;
  await response.text();
}
const { session, key, invoice } = await ask(`${first.url}/sessions`, { body: { amountSats: 1000 } });
await ask(`${first.url}/dev/wallet/pay`, { body: { bolt11: invoice.bolt11 } });
while ((await fetchStatus(first.url)) !== 'active') await delay(20);
await ask(`${first.url}/sessions/${session.id}/request`, { key, body: { content: 'How do I brew coffee?' } });
const saidBefore = await said(`${first.url}/sessions/${session.id}`, key);
const migration = run(['migrate']);
await once(migration.child, 'close');
const firstCode = await stop(first.child);
const second = await start();
const saidAfter = await said(`${second.url}/sessions/${session.id}`, key);
const secondCode = await stop(second.child);

async function fetchStatus(url: string): Promise<string> {
  const response = await fetch(`${url}/sessions/${session.id}`, { headers: { authorization: `Bearer ${key}` } });
  const { status }: { status: string } = JSON.parse(await response.text());
  return status;
}

const journey: Journey = {
  otherInterfaces: Object.keys(networkInterfaces()).filter((name) => name !== 'lo'),
  banner: first.banner,
  statuses,
  migrated: { code: migration.child.exitCode, text: migration.output.text },
  saidBefore,
  saidAfter,
  exitCodes: [firstCode, secondCode],
};
process.stdout.write(`${JSON.stringify(journey)}\n`);
