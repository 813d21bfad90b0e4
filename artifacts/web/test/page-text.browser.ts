/** What people write and read: input methods, directions, tables, math, emoji, and where they are in a conversation. */
import { readFile } from 'node:fs/promises';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script, hold, letGo } = createHoldableAgent();
const served = usePage(() => ({ agent }));

const field = (page: Page) => page.getByLabel(/^Message to/);
const directionOf = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) => all.map((each) => getComputedStyle(each).direction));

async function reply(page: Page, markdown: string): Promise<void> {
  script.when('script text', { deltas: markdown.match(/[\s\S]{1,40}/g) ?? [] });
  await ask(page, 'script text');
}

test.each([
  ['Safari tells of it after the composition', { keyCode: 229, isComposing: false }],
  ['others tell of it within the composition', { keyCode: 13, isComposing: true }],
])('an Enter that ends a composition sends nothing: %s', async (_, key) => {
  const { page } = await served.visit();
  await fund(page);
  await field(page).fill('日本語');
  await field(page).evaluate((element, init) => {
    element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init }));
  }, key);
  await page.keyboard.type('で');
  expect(await field(page).inputValue()).toBe('日本語で');
  expect(await page.locator('.bubble').count()).toBe(0);
  await page.keyboard.press('Enter');
  await page.locator('.bubble', { hasText: '日本語で' }).waitFor();
});

test('Hebrew and English stand each on its side, code always from left to right', async () => {
  const { page } = await served.visit();
  await fund(page);
  await field(page).fill('שלום עולם');
  expect(await directionOf(page, '#message')).toEqual(['rtl']);
  await page.keyboard.press('Enter');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await reply(
    page,
    [
      '## כותרת',
      'פסקה עם `npm install` בתוכה.',
      'A paragraph in English.',
      '1. ראשון\n2. שני\n3. third',
      '- פריט\n\n  עוד פסקה\n\n- item',
      '> ציטוט',
      '| שם | כמות |\n|---|---|\n| תפוח | 2 |\n| apple | 3 |',
      '```\nconst שלום = 1;\n```',
    ].join('\n\n'),
  );
  expect(await directionOf(page, '.bubble')).toEqual(['rtl', 'ltr']);
  expect(await directionOf(page, '.session-header h1')).toEqual(['rtl']);
  expect(await directionOf(page, '.session-title')).toEqual(['rtl']);
  const md = '.message-reply:last-child .md';
  expect(await directionOf(page, `${md} h2`)).toEqual(['rtl']);
  expect(await directionOf(page, `${md} > p`)).toEqual(['rtl', 'ltr']);
  expect(await directionOf(page, `${md} li`)).toEqual(['rtl', 'rtl', 'ltr', 'rtl', 'ltr']);
  expect(await directionOf(page, `${md} blockquote`)).toEqual(['rtl']);
  expect(await directionOf(page, `${md} table`)).toEqual(['rtl']);
  expect(await directionOf(page, `${md} td`)).toEqual(['rtl', 'ltr', 'ltr', 'ltr']);
  const edges = await page
    .locator(`${md} td`)
    .evaluateAll((all) => all.map((each) => getComputedStyle(each).textAlign));
  expect(new Set(edges)).toEqual(new Set(['right']));
  expect(await directionOf(page, `${md} code`)).toEqual(['ltr', 'ltr']);
  expect(await directionOf(page, `${md} .code`)).toEqual(['ltr']);
  const [name, count] = await page
    .locator(`${md} th`)
    .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().x));
  expect(name).toBeGreaterThan(count!);
});

test('each line of a message begins where its own first letter does', async () => {
  const { page } = await served.visit();
  await fund(page);
  await field(page).fill('שלום\nA line in English that is rather long');
  await page.keyboard.press('Enter');
  const bubble = page.locator('.bubble');
  await bubble.waitFor();
  const [first, whole] = await bubble.evaluate((element) => {
    const range = document.createRange();
    const text = element.firstChild!;
    range.setStart(text, 0);
    range.setEnd(text, 4);
    return [range.getBoundingClientRect().right, element.getBoundingClientRect().right];
  });
  expect(whole - first).toBeLessThan(30);
});

test('on a phone a table breaks no word, scrolls by itself, and aligns as it says', async () => {
  const { page } = await served.visit({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  await fund(page);
  await reply(
    page,
    [
      '| Ingredient | Quantity | Alternatives | Preparation |',
      '|:-----------|:--------:|-------------:|-------------|',
      '| Buckwheat | 250 grams | Quinoa | Rinsed thoroughly beforehand |',
      '| 小麦粉 | 三百グラム | 米粉を使うこともできます | ふるいにかけておく |',
    ].join('\n'),
  );
  const cells = await page.locator('.md td').evaluateAll((all) =>
    all.map((cell) => {
      const { lineHeight, textAlign } = getComputedStyle(cell);
      const lines = Math.round(
        cell.querySelector('span')!.getBoundingClientRect().height / Number.parseFloat(lineHeight),
      );
      return {
        words: cell.textContent.split(' ').length,
        characters: Array.from(cell.textContent).length,
        lines,
        textAlign,
      };
    }),
  );
  for (const { words, lines } of cells.slice(0, 4)) expect(lines).toBeLessThanOrEqual(words);
  for (const { characters, lines } of cells.slice(4)) expect(lines).toBeLessThanOrEqual(Math.ceil(characters / 3));
  expect(cells.slice(0, 4).map(({ textAlign }) => textAlign)).toEqual(['left', 'center', 'right', 'left']);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  const table = page.locator('.md-table');
  expect(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)).toBe(true);
});

test('math is shown as it was written, and only two tildes strike', async () => {
  const { page } = await served.visit();
  await fund(page);
  const lines = [
    String.raw`So \(x\,dx\) and \(a*b*c\), $\{y_1\}$ and ~3~5 of it.`,
    String.raw`$$\int_0^1 x\,dx$$`,
    '\\[\na &= b \\\\\n- c\n\\]',
  ];
  await reply(page, `${lines.join('\n\n')}\n\nBut ~~this~~.`);
  const blocks = await page.locator('.md > p').allInnerTexts();
  expect(blocks).toEqual([...lines, 'But this.']);
  expect(await page.locator('.md del').allInnerTexts()).toEqual(['this']);
});

test('a title is cut between emoji, in the list, in the header and in the file', async () => {
  const { page } = await served.visit();
  await fund(page);
  const family = '👨‍👩‍👧‍👦';
  const message = `${'a'.repeat(56)}${family} and more`;
  await ask(page, message);
  const title = 'a'.repeat(56);
  expect(await page.locator('.session-header h1').textContent()).toBe(title);
  expect(await page.locator('.session-title').textContent()).toBe(title);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Export as Markdown' }).click();
  const file = await readFile(await (await download).path(), 'utf8');
  expect(file).toContain(`# ${title}\n`);
  expect(file).toContain(message);
});

test('who scrolled up during a reply has a button down, and stays where they are without it', async () => {
  const { page } = await served.visit({ viewport: { width: 800, height: 500 } });
  await fund(page);
  await reply(page, 'Some words.\n\n'.repeat(40));
  const newest = page.getByRole('button', { name: 'Newest' });
  expect(await newest.count()).toBe(0);
  hold('slowly');
  await say(page, 'slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await page.locator('.thread').evaluate((thread) => thread.scrollTo(0, 100));
  await newest.waitFor();
  letGo('slowly');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  expect(await page.locator('.thread').evaluate((thread) => thread.scrollTop)).toBeLessThan(200);
  await newest.click();
  await newest.waitFor({ state: 'detached' });
  expect(
    await page.locator('.thread').evaluate((thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight),
  ).toBeLessThan(80);
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('thread');
});

test('Enter during a reply, or with a failed message above, says why nothing is sent, and keeps it', async () => {
  const { page } = await served.visit();
  await fund(page);
  hold('gently');
  await say(page, 'gently');
  await page.locator('[aria-busy=true] .md').waitFor();
  await say(page, 'one more');
  const word = page.locator('.composer-hint');
  await word.filter({ hasText: 'Timmy is still replying' }).waitFor();
  expect(await field(page).inputValue()).toBe('one more');
  letGo('gently');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  expect(await word.innerText()).toBe('');
  script.when('script trouble', { error: new Error('out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').waitFor();
  await say(page, 'one more');
  await word.filter({ hasText: 'Try the message above again' }).waitFor();
});

test('a message that is too long is not cut in silence', async () => {
  const { page } = await served.visit();
  await fund(page);
  await field(page).fill('word '.repeat(20_002));
  await page.locator('.composer-hint').filter({ hasText: '10 characters too long' }).waitFor();
  await page.keyboard.press('Enter');
  expect(await page.locator('.bubble').count()).toBe(0);
  await field(page).fill('word '.repeat(50_000));
  await page.locator('.composer-hint').filter({ hasText: 'far too long' }).waitFor();
  expect(await field(page).inputValue()).toHaveLength(100_010);
});

test('the tab tells that a reply is under way, and that it came while nobody looked', async () => {
  const { page } = await served.visit();
  await fund(page);
  expect(await page.title()).toBe('Timmy');
  hold('softly');
  await say(page, 'softly');
  await page.waitForFunction(() => document.title.includes('is replying'));
  await lookAway(page, true);
  letGo('softly');
  await page.waitForFunction(() => document.title.includes('Timmy replied'));
  await lookAway(page, false);
  await page.waitForFunction(() => document.title === 'Timmy');
  script.when('script trouble', { error: new Error('out of order') });
  await lookAway(page, true);
  await say(page, 'script trouble');
  await page.waitForFunction(() => document.title.includes('could not reply'));
});

/** A headless browser never hides a page by itself. */
async function lookAway(page: Page, away: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'visibilityState', {
      configurable: true,
      get: () => (hidden ? 'hidden' : 'visible'),
    });
    document.dispatchEvent(new Event('visibilitychange'));
  }, away);
}
