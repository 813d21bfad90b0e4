import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { openApiDocument } from '../src/routes/docs.ts';
import { loadConfig } from '../src/config.ts';
import { startBanner } from '../src/start-banner.ts';
import { version } from '../src/version.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('every package has the version of the root: packages/db marks the databases with its own', async () => {
  const files = await Array.fromAsync(glob('{packages/*,artifacts/*,bench,trials}/package.json', { cwd: root }));
  expect(files.length).toBeGreaterThan(7);
  for (const file of files) {
    expect([file, JSON.parse(await readFile(root + file, 'utf8')).version]).toEqual([file, version]);
  }
});

test('the changelog says what this version changed, of the database too', async () => {
  const changelog = await readFile(`${root}CHANGELOG.md`, 'utf8');
  const section = changelog.split(/^## /m).find((text) => text.startsWith(version));
  expect(section).toContain('**Database.**');
});

test('the API’s description and the start name the version', () => {
  expect(openApiDocument.info.version).toBe(version);
  const server = { url: 'http://here', database: '', wallet: '', simulated: true, close: async () => {} };
  expect(startBanner(loadConfig({}), server)).toContain(`timmy-tower ${version} is running at http://here`);
});
