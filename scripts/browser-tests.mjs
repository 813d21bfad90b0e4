// Runs the page's tests in a real Chromium, or says clearly that it did not. With `--screenshots`: takes the pictures instead.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { readOptions } from './read-options.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const chromium = process.env.CHROMIUM_PATH || places.find((path) => existsSync(path));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const config = fileURLToPath(new URL('../artifacts/web/vitest.browser.config.ts', import.meta.url));
const { values, positionals } = readOptions('Usage: pnpm test:browser [part of a file’s name…] | pnpm screenshots', {
  options: { screenshots: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const { screenshots } = values;

if (chromium && existsSync(chromium)) {
  const filters = screenshots ? ['screenshots'] : positionals.length > 0 ? positionals : ['page'];
  const env = { ...process.env, CHROMIUM_PATH: chromium };
  const run = spawnSync(process.execPath, [vitest, 'run', '--config', config, ...filters], { stdio: 'inherit', env });
  process.exitCode = run.status ?? 1;
} else {
  console.error(
    [
      '',
      `SKIPPED: ${screenshots ? 'no pictures were taken' : 'none of the browser tests ran'}. They need Chromium, and there is none at ${chromium ?? places.join(', ')}.`,
      'Install it:',
      '  Debian, Ubuntu   apt-get install chromium',
      '  Fedora           dnf install chromium',
      '  macOS            brew install --cask chromium',
      'or set CHROMIUM_PATH to a Chromium or Chrome that is there, and run this again.',
      '',
    ].join('\n'),
  );
}
