/** Text that nobody writes by hand, as a reply and as a message: the page may not stand still for it. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { testLimits } from '../../api-server/test/harness.ts';
import { createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script } = createHoldableAgent();
const served = usePage(() => ({ agent, deps: { limits: { ...testLimits, maxOutputTokens: 200_000 } } }));

const times = (text: string, count: number) => text.repeat(count);

/** What takes long to lay out as a message too. */
const HEAVY = {
  'a word of accents': `a${times('\u0301', 50_000)}`,
  'an Arabic word': times('ب', 50_000),
  'Arabic marks': `ب${times('\u064b', 50_000)}`,
  'Thai marks': `ก${times('\u0e48', 50_000)}`,
  'colours of skin': `👍${times('🏽', 25_000)}`,
  'two directions': times('aب', 25_000),
  'two scripts': times('aα', 25_000),
  'brackets after Hebrew': `ב${times('(', 50_000)}`,
  'empty lines': `a${times('\n', 90_000)}a`,
};

const HOSTILE = {
  ...HEAVY,
  'a word': times('x', 50_000),
  'a word of dots': `${times('a.', 25_000)}@`,
  'a Thai word': times('ก', 50_000),
  'a word of code': `\`\`\`\n${times('ب', 50_000)}\n\`\`\``,
  brackets: times('[', 10_000),
  stars: times('*', 20_000),
  'stars in a word': times('a*', 20_000),
  links: times('[a](https://example.org) ', 4000),
  'many short links': times('https://example.org/a\n\n', 4000),
  'quotes in quotes': `${times('> ', 5000)}x`,
  'lists in lists': `${times('- ', 5000)}x`,
  items: times('- a\n', 20_000),
  paragraphs: times('a\n\n', 20_000),
  'a long table': `| a | b | c |\n|---|---|---|\n${times('| 1 | some *words* | x |\n', 3000)}`,
  'a wide table': `${times('|a', 3000)}|\n${times('|-', 3000)}|\n${times('|1', 3000)}|`,
  lines: times('a\n', 30_000),
};

/**
 * A second is the aim. With a load of twenty on two cores the longest of these tasks took 0.7 s: what goes past this does not
 * come from the machine.
 */
const LONGEST_MS = 1500;

test.each(Object.entries(HOSTILE))('%s: the page does not stand still', async (name, text) => {
  const { page } = await served.visit();
  await fund(page, 1_000_000);
  await watchTasks(page);
  // Half at once and half bit by bit, as a reply comes.
  const half = text.length / 2;
  const bits = text.slice(half).match(/[\s\S]{1,2000}/g) ?? [];
  script.when('script much', { deltas: [text.slice(0, half), ...bits] });
  await say(page, 'script much');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  const reply = await longestTask(page);
  const letters = (all: string) => all.replaceAll(/[^\p{L}\p{N}]/gu, '').length;
  expect(letters((await doneReplies(page).locator('.md').textContent())!)).toBeGreaterThanOrEqual(letters(text) / 3);
  await page.reload();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  // oxlint-disable-next-line no-console -- the figures are half of what it is for
  console.info(`${name}: longest task ${reply} ms as it comes, ${await longestTask(page)} ms when it is loaded again`);
  expect(reply).toBeLessThan(LONGEST_MS);
  expect(await longestTask(page)).toBeLessThan(LONGEST_MS);
});

const AS_MESSAGES = {
  'a word': times('x', 50_000),
  'a Thai word': times('ก', 50_000),
  '100,000 characters': times('some words and ', 6666),
  ...HEAVY,
};

test.each(Object.entries(AS_MESSAGES))('%s as a message: typing goes on', async (name, text) => {
  const { page } = await served.visit();
  await fund(page, 1_000_000);
  await watchTasks(page);
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await page.getByLabel(/^Message to/).press('Control+v');
  await page.keyboard.type('and on');
  const typed = await longestTask(page);
  await page.keyboard.press('Enter');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  const sent = await longestTask(page);
  await page.reload();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  const loaded = await longestTask(page);
  // oxlint-disable-next-line no-console
  console.info(
    `${name} as a message: longest task ${typed} ms as it is written, ${sent} ms until it is answered, ${loaded} ms when it is loaded again`,
  );
  expect(await page.locator('.bubble').textContent()).toBe(name in HEAVY ? text : `${text}and on`);
  expect(Math.max(typed, sent, loaded)).toBeLessThan(LONGEST_MS);
});

test('a message that no browser can show is kept as a draft, can be removed, and makes room for another', async () => {
  const { page } = await served.visit();
  await fund(page, 1000);
  const text = HEAVY['a word of accents'];
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  const field = page.getByLabel(/^Message to/);
  await field.fill('Look: ');
  await field.press('Control+v');
  expect(await field.inputValue()).toBe('50,007 characters that no browser can show quickly');
  const draft = () =>
    page.evaluate(() => Object.entries(localStorage).find(([name]) => name.startsWith('timmy.draft'))?.[1]);
  expect(await draft()).toBe(`Look: ${text}`);
  await page.reload();
  await page.getByRole('button', { name: 'Remove' }).click();
  expect(await field.inputValue()).toBe('');
  await field.fill('something else');
  expect(await draft()).toBe('something else');
});

declare global {
  // oxlint-disable-next-line no-var -- a global is a var
  var longest: number;
}

async function watchTasks(page: Page): Promise<void> {
  const watch = () => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: 'longtask' });
  };
  await page.evaluate(watch);
  await page.addInitScript(watch);
}

/** Of all tasks until now: also of those that painted what is there. */
async function longestTask(page: Page): Promise<number> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  return Math.round(await page.evaluate(() => globalThis.longest));
}
