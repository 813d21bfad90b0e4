/** The whole journey as somebody goes it whose browser, digits and words are Arabic. */
import { readFile } from 'node:fs/promises';

import { conversationExportSchema } from '@timmy-tower/contract';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { createMessageScript, expectBooksBalance } from '../../api-server/test/harness.ts';
import { ask, doneReplies, say, usePage } from './browser.ts';

const script = createMessageScript();
const served = usePage(() => ({ agent: script.agent }));

const QUESTION = 'كيف أصنع القهوة العربية؟';
const ANSWER = [
  '## القهوة العربية\n\nتحتاج إلى **البن** و`hail` (الهيل).\n\n',
  '1. اغلِ الماء.\n2. أضف البن.\n3. أضف الهيل.\n\n',
  '| المادة | الكمية |\n|:---|---:|\n| ماء | ٥٠٠ مل |\n| بن | ٣ ملاعق |\n\n> كل ما تحتاجه هو الصبر.\n\n',
  "```js\nbrew('قهوة');\n```\n",
];

test.each([
  ['on a desktop', { viewport: { width: 1280, height: 800 } }],
  ['on a phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
])('the whole journey in Arabic, %s', { timeout: 180_000 }, async (_, options) => {
  const { page } = await served.visit({ locale: 'ar-EG', ...options });
  await payWith(page, '١٠');
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  expect(await page.locator('.meter-balance').innerText()).toBe('١٠ sats');

  script.when(QUESTION, { deltas: ANSWER });
  await ask(page, QUESTION);
  expect(await page.locator('.session-header h1').evaluate((title) => getComputedStyle(title).direction)).toBe('rtl');
  await expectRightToLeft(page);
  expect(await page.locator('.receipt').innerText()).toMatch(/[٠-٩]+ tokens in/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);

  await spendAll(page);
  await payWith(page, '٢١٬٠٠٠');
  await page.locator('.failed-turn').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await page.locator('.meter-balance', { hasText: /^٢٠٬٩|^٢١٬٠/ }).waitFor();

  await page.reload();
  await page.locator('.bubble', { hasText: QUESTION }).waitFor();
  await expectRightToLeft(page);
  await exportJson(page);
  await expectBooksBalance(served.app);
});

/** Types the amount, gets its invoice, and pays it. */
async function payWith(page: Page, amount: string): Promise<void> {
  const form = page.locator('form.amount');
  await form.getByLabel('Or any amount').fill(amount);
  await form.getByRole('button', { name: 'Show the invoice' }).click();
  expect(await page.locator('.invoice-amount').innerText()).toContain(amount);
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
}

async function spendAll(page: Page): Promise<void> {
  script.when('أنفق', { deltas: ['حسنا.'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
  await ask(page, 'أنفق');
  await say(page, 'كيف حالك؟');
  await page.locator('.failed-turn', { hasText: 'does not cover' }).waitFor();
}

async function expectRightToLeft(page: Page): Promise<void> {
  const reply = doneReplies(page).first();
  await reply.locator('.md h2').waitFor();
  const directions = (selector: string) =>
    reply.locator(selector).evaluateAll((all) => [...new Set(all.map((each) => getComputedStyle(each).direction))]);
  for (const selector of ['.md h2', '.md > p', 'li', 'table', 'th', 'td', 'blockquote']) {
    expect([selector, await directions(selector)]).toEqual([selector, ['rtl']]);
  }
  expect(await directions('code')).toEqual(['ltr']);
  expect(
    await page
      .locator('.bubble')
      .first()
      .evaluate((bubble) => getComputedStyle(bubble).direction),
  ).toBe('rtl');
  // The number of an item stands on the right of it, within the page.
  const [item, box] = await reply.evaluate((element) =>
    [element.querySelector('li')!, element].map((each) => each.getBoundingClientRect().right),
  );
  expect(box! - item!).toBeGreaterThan(15);
}

async function exportJson(page: Page): Promise<void> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Export as JSON' }).click();
  const { messages } = conversationExportSchema.parse(
    JSON.parse(await readFile(await (await download).path(), 'utf8')),
  );
  expect(messages[0]?.content).toBe(QUESTION);
  expect(messages[1]?.content).toBe(ANSWER.join(''));
}
