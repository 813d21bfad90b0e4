// Runs the page's tests in a real Chromium, or says clearly that it did not. With `--screenshots`: takes the pictures instead.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const chromium = process.env.CHROMIUM_PATH || '/usr/bin/chromium';
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const config = fileURLToPath(new URL('../artifacts/web/vitest.browser.config.ts', import.meta.url));
const options = process.argv.slice(2);
const screenshots = options.includes('--screenshots');

if (existsSync(chromium)) {
  const filters = screenshots ? ['screenshots'] : ['page', ...options];
  const env = { ...process.env, CHROMIUM_PATH: chromium };
  const run = spawnSync(process.execPath, [vitest, 'run', '--config', config, ...filters], { stdio: 'inherit', env });
  process.exitCode = run.status ?? 1;
} else {
  console.log(`SKIPPED: the browser tests did not run, because there is no Chromium at ${chromium}.`);
  console.log('Install it (Debian: apt-get install chromium), or set CHROMIUM_PATH.');
}
