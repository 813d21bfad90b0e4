import { defineConfig } from 'vitest/config';

const project = (folder: string) => ({
  extends: true as const,
  test: { name: folder.split('/')[1] ?? folder, root: folder },
});

export default defineConfig({
  test: {
    projects: [
      project('packages/contract'),
      project('packages/db'),
      project('packages/lightning'),
      project('packages/agent'),
      project('artifacts/api-server'),
    ],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    reporters: ['default', './scripts/summary-reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
