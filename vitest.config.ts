import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import { configDefaults, defineConfig } from 'vitest/config';

const preflight = fileURLToPath(new URL('scripts/preflight.mjs', import.meta.url));

/** One PostgreSQL per run, for the projects that need one. */
const testServer = fileURLToPath(new URL('packages/db/src/testing-server.ts', import.meta.url));

interface SetUp {
  readonly globalSetup?: string[];
  readonly setupFiles?: string[];
}

const project = (folder: string, setUp: SetUp = {}) => ({
  extends: true as const,
  test: { name: folder.split('/')[1] ?? folder, root: folder, ...setUp },
});

export default defineConfig({
  test: {
    projects: [
      project('packages/contract'),
      project('packages/embedded-postgres'),
      project('packages/db', { globalSetup: [testServer] }),
      project('packages/memory'),
      project('packages/lightning'),
      project('packages/agent'),
      project('artifacts/api-server', { globalSetup: [testServer], setupFiles: ['test/set-up.ts'] }),
      project('artifacts/web'),
      project('trials', { globalSetup: [testServer] }),
    ],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/*.heavy.test.ts'],
    reporters: ['default', './scripts/summary-reporter.ts'],
    execArgv: ['--import', preflight],
    // What they import is loaded once, not for every file anew: that took most of the time. Nothing may be left behind in it.
    isolate: false,
    unstubEnvs: true,
    unstubGlobals: true,
    // Most of them wait for PostgreSQL or for a process more than they reckon: none of the processors is left to Vitest alone.
    maxWorkers: Math.max(2, availableParallelism()),
    // What hangs is ended. Nothing else is measured by these: they are far from what a test takes where others are at work too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000, interval: 10 } },
  },
});
