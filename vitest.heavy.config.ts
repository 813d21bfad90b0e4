import { configDefaults, defineConfig } from 'vitest/config';

import config from './vitest.config.ts';

/** The same projects; only what takes its time by nature: `pnpm test:heavy`. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ['src/**/*.heavy.test.ts', 'test/**/*.heavy.test.ts'],
    exclude: configDefaults.exclude,
    testTimeout: 180_000,
  },
});
