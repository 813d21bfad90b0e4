/** One session open in two tabs. Nothing has a price here: no balance tells that something was said. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { ask, createHoldableAgent, doneReplies, fund, say, usePage, type Visitor } from './browser.ts';

const { agent, hold, letGo } = createHoldableAgent();
const prices = { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n };
const served = usePage(() => ({ agent, deps: { prices } }));

async function openOther({ page, context, faults }: Visitor): Promise<Page> {
  const other = await context.newPage();
  other.on('pageerror', (error) => faults.push(String(error)));
  await other.goto(page.url());
  // Loaded: what is sent before is not taken.
  await other
    .getByRole('heading', { name: /^Say something to/ })
    .or(other.locator('.bubble'))
    .first()
    .waitFor();
  return other;
}

const said = (page: Page) => page.locator('.bubble').allInnerTexts();

test('what is said in one tab appears in the other, in order and once', async () => {
  const visitor = await served.visit();
  const { page } = visitor;
  await fund(page, 1000);
  const other = await openOther(visitor);
  await ask(page, 'one');
  await expect.poll(() => said(other)).toEqual(['one']);
  await ask(other, 'two');
  await expect.poll(() => said(page)).toEqual(['one', 'two']);
  await ask(page, 'three');
  await ask(page, 'four');
  const all = ['one', 'two', 'three', 'four'];
  await expect.poll(() => said(other)).toEqual(all);
  expect(await said(page)).toEqual(all);
  expect(await doneReplies(page).count()).toBe(4);
  expect(await doneReplies(other).count()).toBe(4);
});

test('a turn that runs is neither disturbed nor doubled, and what another tab said before it is not lost', async () => {
  const visitor = await served.visit();
  const { page } = visitor;
  await fund(page, 1000);
  const other = await openOther(visitor);
  hold('slowly');
  await ask(other, 'quickly');
  await say(page, 'slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  letGo('slowly');
  await expect.poll(() => doneReplies(page).count()).toBe(2);
  await expect.poll(() => said(page)).toEqual(['quickly', 'slowly']);
  await expect.poll(() => said(other)).toEqual(['quickly', 'slowly']);
  await ask(other, 'and then');
  await expect.poll(() => said(page)).toEqual(['quickly', 'slowly', 'and then']);
});

test('forgetting in one tab empties the other, and what is said then is all there is', async () => {
  const visitor = await served.visit();
  const { page } = visitor;
  await fund(page, 1000);
  const other = await openOther(visitor);
  await ask(page, 'to be forgotten');
  await expect.poll(() => said(other)).toEqual(['to be forgotten']);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Forget this conversation' }).click();
  await page.getByRole('button', { name: 'Forget it' }).click();
  await other.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await ask(page, 'a new beginning');
  await expect.poll(() => said(other)).toEqual(['a new beginning']);
});

test('who has scrolled up keeps their place while another tab says more', async () => {
  const visitor = await served.visit();
  const { page } = visitor;
  await fund(page, 1000);
  for (const question of ['How do I brew coffee?', 'explain step 1', 'explain step 2', 'explain step 3']) {
    // oxlint-disable-next-line no-await-in-loop -- a conversation
    await ask(page, question);
  }
  const other = await openOther(visitor);
  await expect.poll(() => doneReplies(other).count()).toBe(4);
  await other.setViewportSize({ width: 800, height: 400 });
  const thread = other.getByRole('region', { name: 'Conversation' });
  const first = other.locator('.bubble').first();
  await thread.hover();
  await other.mouse.wheel(0, -5000);
  await other.getByRole('button', { name: 'Newest' }).waitFor();
  const top = (await first.boundingBox())?.y;
  await ask(page, 'what did I ask first?');
  await expect.poll(() => doneReplies(other).count()).toBe(5);
  expect((await first.boundingBox())?.y).toBe(top);
  expect(await other.getByRole('button', { name: 'Newest' }).isVisible()).toBe(true);
});
