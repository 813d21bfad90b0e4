import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The page in a real Chromium, on the real server and a real PostgreSQL. Started by `pnpm test:browser`. */
export default defineConfig({
  test: {
    name: 'browser',
    root,
    include: ['test/*.browser.ts'],
    globalSetup: [fileURLToPath(new URL('../../packages/db/src/testing-server.ts', import.meta.url))],
    // What they import is loaded once, as in the other tests.
    isolate: false,
    // Some of them mostly wait.
    maxWorkers: 2,
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
    reporters: ['default', fileURLToPath(new URL('../../scripts/summary-reporter.ts', import.meta.url))],
  },
});
