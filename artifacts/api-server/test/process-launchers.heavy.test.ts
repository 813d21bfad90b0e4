/** `npx -y pnpm@12 start`: whatever ends the process that was started ends the server too. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { until } from './harness.ts';
import { isRunning, MAIN, PREFLIGHT } from './server-process.ts';

/** As the tests were started, it is in npm's cache; elsewhere nothing is fetched for a test. */
const NPX = ['--offline', '-y', 'pnpm@12'];

function canRun(): boolean {
  try {
    execFileSync('npx', [...NPX, '--version'], { cwd: tmpdir(), stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    process.stderr.write(
      'SKIPPED: how npx passes signals on. It needs npx, with pnpm@12 in its cache: run npx -y pnpm@12 once.\n',
    );
    return false;
  }
}

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await openTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'timmy-tower-launchers-'));
  const start = `"${process.execPath}" --import "${PREFLIGHT}" "${MAIN}"`;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'started', private: true, scripts: { start } }));
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const isServing = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

test.runIf(canRun()).each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('%s', async (signal) => {
  const env = { ...process.env, DATABASE_URL: database.url, PORT: '0' };
  const child = spawn('npx', [...NPX, 'start'], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output.text += text));
  }
  try {
    await until(() => /running at http:\S+[\s\S]*Ctrl-C/.test(output.text), 60_000);
    const url = /running at (http:\S+)/.exec(output.text)![1]!;
    expect(await isServing(url)).toBe(true);
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await until(async () => !(await isServing(url)));
    await until(() => output.text.includes('stopping: running turns may finish first'));
    await until(() => !isGroupRunning(child.pid!));
  } finally {
    if (isGroupRunning(child.pid!)) process.kill(-child.pid!, 'SIGKILL');
  }
});

const isGroupRunning = (pid: number) => isRunning(-pid);
