/** Who answers may have a name as long as the settings take, in one word. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { fund, usePage } from './browser.ts';

const served = usePage(() => ({ deps: { agentName: 'Donaudampfschiff'.repeat(6) } }));

/** What reaches past the edge of a phone, which clips it. */
const pastTheEdge = (page: Page, selector: string) =>
  page
    .locator(selector)
    .evaluateAll((all) => all.filter((each) => each.getBoundingClientRect().right > innerWidth + 1).length);

test('a long name stays within the edges of a phone', async () => {
  const { page } = await served.visit({ viewport: { width: 320, height: 640 } });
  await page.getByRole('button', { name: 'Show the invoice' }).waitFor();
  expect(await pastTheEdge(page, '.start h1, .start button')).toBe(0);
  await fund(page);
  expect(await pastTheEdge(page, '.empty-thread h2, .composer')).toBe(0);
  await page.getByRole('button', { name: 'Your sessions' }).click();
  const close = await page.getByRole('button', { name: 'Close', exact: true }).boundingBox();
  const name = await page.locator('.sidebar-head > span').boundingBox();
  expect(name!.x).toBeGreaterThanOrEqual(0);
  expect(name!.x + name!.width).toBeLessThanOrEqual(close!.x + 1);
});
