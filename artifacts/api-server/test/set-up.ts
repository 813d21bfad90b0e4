/** Run for each test file, though they share what they import: whatever a test fails at, the next file starts afresh. */
import { afterAll, vi } from 'vitest';

import { closePlaces } from './server-process.ts';

afterAll(async () => {
  vi.useRealTimers();
  await closePlaces();
});
