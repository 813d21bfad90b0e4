/** What is remembered: of what is longer than that, beginning and end; by choice, less or more; and it is said beforehand. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { testLimits } from '../../api-server/test/harness.ts';
import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script } = createHoldableAgent();
const limits = { ...testLimits, maxOutputTokens: 16_000 };
const served = usePage(() => ({ agent, deps: { limits } }));

const field = (page: Page) => page.getByLabel(/^Message to/);
const note = (page: Page) => page.locator('#memory-note');
const lastReceipt = (page: Page) => page.locator('.receipt').last();

/** As a person does: typing so much takes a browser long. */
async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await field(page).press('Control+v');
}

function logOf(length: number): string {
  const begin = 'The log begins here.\n';
  const end = '\nThe log ends here.';
  const line = 'Nothing happened at this time, and nobody minded.\n';
  return begin + line.repeat(length / line.length).slice(0, length - begin.length - end.length) + end;
}

test('a pasted text of 100,000 characters, then shorter, then the first question: each sees what it needs', async () => {
  const { page } = await served.visit();
  await fund(page, 2000);
  const log = logOf(100_000);
  expect(log).toHaveLength(100_000);
  await paste(page, log);
  expect(await note(page).innerText()).toContain('at most 12,000 of 100,000 characters');
  await page.keyboard.press('Enter');
  await lastReceipt(page).getByText('tokens in').waitFor();
  const about = await doneReplies(page).locator('.md').innerText();
  expect(about).toContain('I am a demo agent');
  expect(await note(page).count()).toBe(0);

  const shorter = await ask(page, 'make it shorter');
  expect(about.startsWith(shorter.slice(0, 10)) && shorter.length < about.length).toBe(true);
  expect(await lastReceipt(page).innerText()).toContain('saw 2 earlier messages, a long one shortened');
  expect(await ask(page, 'what did I ask first?')).toContain('The log begins here.');
  expect(await lastReceipt(page).innerText()).toContain('saw 4 earlier messages, a long one shortened');
  await page.reload();
  await lastReceipt(page).getByText('saw 4 earlier messages, a long one shortened').waitFor();
});

test('a reply of 30,000 characters, then shorter, then the first question: each sees what it needs', async () => {
  const { page } = await served.visit();
  await fund(page, 2000);
  const report = `The report begins here. ${'It rained, and it rained. '.repeat(1200)}`.slice(0, 30_000);
  script.when('script a report', { deltas: [report] });
  expect((await ask(page, 'script a report')).length).toBeGreaterThan(29_990);
  expect(await ask(page, 'make it shorter')).toContain('The report begins here.');
  expect(await lastReceipt(page).innerText()).toContain('saw 2 earlier messages, a long one shortened');
  expect(await ask(page, 'what did I ask first?')).toContain('script a report');
  expect(await lastReceipt(page).innerText()).toContain('a long one shortened');
});

test('what lies before the window and fits is counted apart', async () => {
  const { page } = await served.visit();
  await fund(page, 2000);
  for (const word of ['zebras', 'rain', 'bread', 'chess', 'trains', 'paint']) {
    // oxlint-disable-next-line no-await-in-loop -- a conversation
    await ask(page, `Something about ${word}.`);
  }
  await ask(page, 'What about the zebras again?');
  expect(await lastReceipt(page).innerText()).toMatch(/saw 8 messages and [12] from earlier; [23] not shown/);
});

test('before it is sent, a message says how much of it is remembered: spoken once, and nothing moves', async () => {
  const { page } = await served.visit();
  await fund(page, 1000);
  const heights = () =>
    page.evaluate(() => ['.thread', '.composer'].map((name) => document.querySelector(name)!.clientHeight));
  const spoken = await listen(page);
  await paste(page, logOf(11_990));
  expect(await note(page).count()).toBe(0);
  const before = await heights();
  await page.keyboard.type('Some more words.');
  await note(page).waitFor();
  expect(await note(page).innerText()).toContain('12,000 of 12,006 characters');
  expect(await heights()).toEqual(before);
  expect(await field(page).getAttribute('aria-describedby')).toBe(await note(page).getAttribute('id'));
  await page.keyboard.type(' And more.');
  await note(page).getByText('of 12,016 characters').waitFor();
  expect(spoken).toEqual([expect.stringContaining('Longer than what is remembered')]);
});

/** What a screen reader is told from now on. */
async function listen(page: Page): Promise<string[]> {
  const spoken: string[] = [];
  await page.exposeFunction('noteSpoken', (text: string) => void spoken.push(text));
  await page.evaluate(() => {
    const told = new MutationObserver((changes) => {
      for (const { target } of changes) {
        const element = target instanceof Element ? target : target.parentElement;
        const text = element?.closest('[role=status]')?.textContent;
        // @ts-expect-error -- exposed above
        if (text) noteSpoken(text);
      }
    });
    told.observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return spoken;
}

async function openMemory(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: /^Memory:/ }).click();
}

async function choose(page: Page, level: string): Promise<void> {
  await openMemory(page);
  await page.getByRole('radio', { name: new RegExp(`^${level}`, 'i') }).check();
  await page.getByRole('dialog', { name: 'Memory' }).getByRole('button', { name: 'Done' }).click();
}

/** What the page asked of memory with each message since. */
function noteAsked(page: Page): { content: string; history?: unknown }[] {
  const asked: { content: string; history?: unknown }[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/request')) asked.push(request.postDataJSON());
  });
  return asked;
}

const SHORT = { maxMessages: 2, tokenBudget: 4000, recallTokens: 0 };
const LONG = { maxMessages: 200, tokenBudget: 16_000, recallTokens: 4000 };

test('the memory that is chosen says what it costs, is sent, survives a reload, and is the same in two tabs', async () => {
  const { page, context, faults } = await served.visit();
  await fund(page, 2000);
  const asked = noteAsked(page);
  await ask(page, 'How do I brew coffee?');
  await openMemory(page);
  const dialog = page.getByRole('dialog', { name: 'Memory' });
  expect(await dialog.getByRole('radio', { name: /^Normal/ }).isChecked()).toBe(true);
  const said = (await dialog.locator('.memory-level').allInnerTexts()).map((text) => text.replaceAll('\n', ' '));
  expect(said).toEqual([
    expect.stringMatching(/^Short Your last message and its reply\. At most about 12 sats a message\.$/),
    expect.stringMatching(/^Normal Up to 8 .* fit\. At most about 12 sats a message\.$/),
    expect.stringMatching(/^Long Up to 200 .* fit\. At most about 48 sats a message\.$/),
  ]);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await choose(page, 'long');
  await ask(page, 'explain step 2');
  await page.reload();
  await expect.poll(() => doneReplies(page).count()).toBe(2);
  await ask(page, 'explain step 3');
  const other = await context.newPage();
  other.on('pageerror', (error) => faults.push(String(error)));
  await other.goto(page.url());
  await choose(other, 'short');
  await page.bringToFront();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Memory: short' }).waitFor();
  await page.keyboard.press('Escape');
  await ask(page, 'make it shorter');
  expect(await lastReceipt(page).innerText()).toContain('saw 2 earlier messages; 4 not shown');
  await choose(page, 'normal');
  await ask(page, 'what did I ask first?');
  expect(asked.map(({ history }) => history)).toEqual([undefined, LONG, LONG, SHORT, undefined]);
  await other.bringToFront();
  await other.getByRole('button', { name: 'Session menu' }).click();
  await other.getByRole('button', { name: 'Memory: normal' }).waitFor();
});

test('a message that failed goes out again as it was sent, whatever was chosen since', async () => {
  const { page } = await served.visit();
  await fund(page, 2000);
  const asked = noteAsked(page);
  await choose(page, 'long');
  script.when('script trouble', { error: new Error('out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').waitFor();
  await choose(page, 'short');
  script.when('script trouble', { deltas: ['Now it works.'] });
  await page.reload();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.md', { hasText: 'Now it works.' }).waitFor();
  expect(asked.map(({ history }) => history)).toEqual([LONG, LONG]);
});

test('the choice belongs to its session, and is forgotten with it', async () => {
  const { page } = await served.visit();
  await fund(page, 100);
  await choose(page, 'short');
  await page.getByRole('button', { name: 'New session' }).click();
  await fund(page, 100);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Memory: normal' }).waitFor();
  await page.keyboard.press('Escape');
  const kept = () => page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('timmy.memory')));
  expect(await kept()).toHaveLength(1);
  await page.locator('.session-link').nth(1).click();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Remove from this browser' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await expect.poll(kept).toHaveLength(0);
});

test('nothing is offered, and nothing asked, of a server of the version before', async () => {
  const { page } = await served.visit();
  await page.route('**/config', async (route) => {
    const response = await route.fetch();
    const { history: _, historyLimit: __, ...before } = await response.json();
    await route.fulfill({ response, json: before });
  });
  await page.reload();
  await fund(page, 100);
  const asked = noteAsked(page);
  await ask(page, 'How do I brew coffee?');
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Show session key' }).waitFor();
  expect(await page.getByRole('button', { name: /^Memory:/ }).count()).toBe(0);
  expect(asked).toEqual([{ content: 'How do I brew coffee?' }]);
});
