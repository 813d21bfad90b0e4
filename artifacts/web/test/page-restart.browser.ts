import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { until } from '../../api-server/test/harness.ts';
import { doneReplies, fund, launchChromium, say, visit } from './browser.ts';

const MAIN = fileURLToPath(new URL('../../api-server/src/main.ts', import.meta.url));

let database: TestDatabase;
let browser: Browser;
let server: ChildProcess | undefined;
beforeAll(async () => {
  database = await openTestDatabase();
  browser = await launchChromium();
});
afterAll(async () => {
  server?.kill('SIGKILL');
  await browser?.close();
  await database?.close();
});

test('a server that is killed in the middle of a reply and comes back', { timeout: 300_000 }, async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'timmy-tower-restart-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = async () => {
    const env = { ...process.env, PORT: String(port), DATABASE_URL: database.url };
    server = spawn(process.execPath, [MAIN], { cwd, env, stdio: 'ignore' });
    await until(
      () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      90_000,
    );
  };
  await start();
  const { page } = await visit(browser, url);
  await fund(page);
  await say(page, 'count to 300');
  await page.locator('[aria-busy=true] .md').waitFor();
  server?.kill('SIGKILL');
  await page.getByText('No connection').waitFor();
  await start();

  await page.getByText('cut off before it was finished').waitFor({ timeout: 90_000 });
  await page.locator('.meter-balance', { hasText: '500 sats' }).waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor({ timeout: 60_000 });
  expect(await doneReplies(page).locator('.md').innerText()).toMatch(/^1, 2, 3.*300\.$/);
  expect(await page.locator('.bubble').count()).toBe(1);
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}
