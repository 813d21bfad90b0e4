/** The whole of what a person does with the page, whatever stands between it and the server. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { ask, doneReplies, fund, say } from './browser.ts';

/** Fund, chat, follow up, run low, top up, and go on: the message that waited goes out by itself. */
export async function chatThroughTopUp(page: Page): Promise<void> {
  await fund(page, 10);
  expect(await ask(page, 'How do I brew coffee?')).toContain('Heat: bring the water');
  expect(await ask(page, 'make it shorter')).not.toContain('Heat: bring the water');
  expect(await ask(page, 'explain step 2')).toContain('Step 2');
  expect(await page.locator('.receipt').last().innerText()).toMatch(/sats.*tokens in.*out.*saw 4 earlier messages/s);
  const kept = await sayUntilUnpaid(page);
  await page.locator('.top-up').getByRole('button', { name: '100' }).click();
  await page.locator('.top-up').getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();

  await page.locator('.failed-turn').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Send' }).waitFor();
  expect(await page.locator('.bubble').last().innerText()).toBe(kept);
  expect(await page.getByRole('region', { name: 'Top up' }).count()).toBe(0);
  expect(await ask(page, 'explain step 3')).toContain('Step 3');
}

/** @returns what was said last, and waits for money */
async function sayUntilUnpaid(page: Page): Promise<string> {
  for (let turn = 0; (await page.locator('.failed-turn').count()) === 0; turn += 1) {
    expect(turn).toBeLessThan(20);
    const before = await doneReplies(page).count();
    await say(page, `How do I brew tea for ${turn + 2} guests?`);
    await page.locator('.message-reply:not([aria-busy=true])').nth(before).locator('.failed-turn, .receipt').waitFor();
  }
  return page.locator('.bubble').last().innerText();
}

/** Takes the key along, and opens the same conversation where nothing is known of it. */
export async function moveOver(page: Page, elsewhere: Page): Promise<void> {
  await openWithKey(elsewhere, await readKey(page));
  await elsewhere.locator('.md', { hasText: 'Step 3' }).first().waitFor();
  await elsewhere.locator('.session-title', { hasText: 'How do I brew coffee?' }).waitFor();
  await elsewhere.getByRole('button', { name: 'Session menu' }).click();
  await elsewhere.getByRole('button', { name: 'Forget this conversation' }).click();
  await elsewhere.getByRole('button', { name: 'Forget it' }).click();
  await elsewhere.getByRole('heading', { name: /^Say something/ }).waitFor();
  expect(await ask(elsewhere, 'what did I ask first?')).toContain('first thing I hear from you');
}

export async function openWithKey(page: Page, key: string): Promise<void> {
  await page.getByRole('button', { name: 'Open with a key' }).click();
  await page.getByLabel('Session key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
}

/** The key as the page shows it, without any clipboard. */
export async function readKey(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Show session key' }).click();
  const dialog = page.getByRole('dialog', { name: 'Session key' });
  const key = await dialog.getByLabel('Key of this session').inputValue();
  await dialog.getByRole('button', { name: 'Done' }).click();
  expect(key).toMatch(/^tt_[\w-]{64}$/);
  return key;
}
