import { expect, test } from 'vitest';

import { readRetryAfter, readRetryDelay } from './retry-after.ts';

const now = Date.parse('2026-11-25T12:00:00Z');

test.each([
  [{}, undefined],
  [{ 'retry-after': '20' }, 20],
  [{ 'retry-after': ' 20 ' }, 20],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '20s' }, 20],
  [{ 'retry-after': '20 seconds' }, 20],
  [{ 'retry-after': '20, 20' }, 20],
  [{ 'retry-after': '500ms' }, undefined],
  [{ 'retry-after': '1.2' }, 2],
  [{ 'retry-after': '99999999999' }, 3600],
  [{ 'retry-after': '-5' }, 0],
  [{ 'retry-after': 'Wed, 25 Nov 2026 12:01:30 GMT' }, 90],
  [{ 'retry-after': 'Wed, 25 Nov 2026 11:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after-ms': '2500', 'retry-after': '20' }, 3],
  [{ 'retry-after-ms': 'x', 'retry-after': '20' }, 20],
])('%j is %s', (headers, seconds) => {
  expect(readRetryAfter(new Headers(headers as Record<string, string>), now)).toBe(seconds);
});

test('a text of any length is read at once', () => {
  const startedAt = performance.now();
  expect(readRetryDelay({ retry_after: `1${' '.repeat(1_000_000)}x` })).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
