/** The page as a home network has it: plain HTTP, under a name that is not localhost. Browsers keep much from such pages. */
import { expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { createHoldableAgent, fund, say, usePage } from './browser.ts';
import { chatThroughTopUp, moveOver } from './journey.ts';

const NAME = 'timmy.home.arpa';
const { agent } = createHoldableAgent();
const served = usePage(() => ({ agent }), {
  args: [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
  openTo: async (url) => ({ url: url.replace('127.0.0.1', NAME), close: async () => {} }),
});

test('the whole journey in a page that is not secure', async () => {
  const { page } = await served.visit();
  const missing = await page.evaluate(() => [isSecureContext, 'randomUUID' in crypto, 'clipboard' in navigator]);
  expect(missing).toEqual([false, false, false]);
  await chatThroughTopUp(page);
  await page.reload();
  await page.locator('.md', { hasText: 'Step 3' }).first().waitFor();
  const { page: elsewhere } = await served.visit();
  await moveOver(page, elsewhere);
  await expectBooksBalance(served.app);
});

test('a key is copied without the clipboard that secure pages have', async () => {
  const { page } = await served.visit();
  await fund(page);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Copy session key' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await page.getByLabel(/^Message to/).focus();
  await page.keyboard.press('Control+V');
  expect(await page.getByLabel(/^Message to/).inputValue()).toMatch(/^tt_/);
});

test('a message that cannot leave stays in the field', async () => {
  const { page, faults } = await served.visit();
  await fund(page);
  await page.evaluate(() => {
    crypto.getRandomValues = () => {
      throw new Error('none');
    };
  });
  const field = page.getByLabel(/^Message to/);
  const failure = page.waitForEvent('pageerror');
  await say(page, 'a long thought');
  expect((await failure).message).toBe('none');
  expect(await field.inputValue()).toBe('a long thought');
  await page.reload();
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('#message')?.value === 'a long thought');
  faults.splice(0);
});
