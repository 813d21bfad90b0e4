/** The exchange of a server for another, with this version in both places: a checkout of the one before is not everywhere. */
import { expect, test } from 'vitest';

import { THIS_CHECKOUT } from '../src/server-process.ts';
import { runUpgrade } from '../src/upgrade/trial.ts';

test('a server is exchanged for another while people talk', { timeout: 60_000 }, async () => {
  const report = await runUpgrade({ old: THIS_CHECKOUT, seed: 'test', clients: 3, secondsEach: 2 });
  expect(report.violations).toEqual([]);
  expect(report.counts.answered).toBeGreaterThan(0);
  expect(report.counts.checkedAnswers).toBeGreaterThan(0);
});
