/** The page on a machine whose clock is wrong. */
import { expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { createHoldableAgent, usePage } from './browser.ts';
import { chatThroughTopUp, moveOver } from './journey.ts';

const { agent } = createHoldableAgent();
const served = usePage(() => ({ agent }));
const HOUR_MS = 3_600_000;

test.each([
  ['ahead', 2 * HOUR_MS],
  ['behind', -2 * HOUR_MS],
])('the whole journey with the clock two hours %s', async (_, aheadMs) => {
  const { page } = await served.visit();
  await page.clock.setSystemTime(Date.now() + aheadMs);
  await page.reload();
  expect(Math.abs((await page.evaluate(() => Date.now())) - Date.now() - aheadMs)).toBeLessThan(60_000);
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByText(/Waiting for the payment · (60:00|59:\d\d) left/).waitFor();
  await page.getByRole('button', { name: 'New session' }).click();
  await chatThroughTopUp(page);
  await page.locator('.session-facts', { hasText: 'just now' }).first().waitFor();
  const { page: elsewhere } = await served.visit();
  await moveOver(page, elsewhere);
  await expectBooksBalance(served.app);
});
