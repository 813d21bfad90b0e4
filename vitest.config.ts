import { fileURLToPath } from 'node:url';

import { configDefaults, defineConfig } from 'vitest/config';

const preflight = fileURLToPath(new URL('scripts/preflight.mjs', import.meta.url));

/** One PostgreSQL per run, for the projects that need one. */
const testServer = fileURLToPath(new URL('packages/db/src/testing-server.ts', import.meta.url));

const project = (folder: string, globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name: folder.split('/')[1] ?? folder, root: folder, globalSetup },
});

export default defineConfig({
  test: {
    projects: [
      project('packages/contract'),
      project('packages/embedded-postgres'),
      project('packages/db', [testServer]),
      project('packages/lightning'),
      project('packages/agent'),
      project('artifacts/api-server', [testServer]),
      project('artifacts/web'),
      project('trials', [testServer]),
    ],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/*.heavy.test.ts'],
    reporters: ['default', './scripts/summary-reporter.ts'],
    execArgv: ['--import', preflight],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
