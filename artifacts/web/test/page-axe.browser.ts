/** Every screen in axe-core, in both themes, at both ends of the widths; nothing may be wider than the window. */
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script, hold, letGo } = createHoldableAgent();
const served = usePage(() => ({ agent }));

const EVERYTHING = [
  '# One\n\nText [link](https://example.org) `code`\n\n',
  '```ts\nlet x = 1;\n```\n\n> quoted\n\n- a\n\n| a |\n|---|\n| b |',
];

const views = [
  ['wide and light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
  ['narrow and dark', { viewport: { width: 320, height: 640 }, colorScheme: 'dark' }],
] as const;

test.each(views)('funding passes axe, %s', async (_, options) => {
  const { page } = await served.visit(options);
  await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
  await expectAccessible(page);
  await page.getByLabel('Or any amount').fill('3');
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('alert').filter({ hasText: 'Whole sats from 10' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Open with a key' }).click();
  await page.getByLabel('Session key').fill('nonsense');
  await page.keyboard.press('Enter');
  await page.getByText('That is not a session key').waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByLabel('Or any amount').fill('10');
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).waitFor();
  await expectAccessible(page);
});

test.each(views)('a conversation passes axe, %s', async (_, options) => {
  const { page } = await served.visit(options);
  await fund(page);
  await expectAccessible(page);
  script.when('script all', { deltas: EVERYTHING });
  await say(page, 'script all');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  hold('slowly');
  await say(page, 'slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await expectAccessible(page);
  letGo('slowly');
  await doneReplies(page).nth(1).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  script.when('script trouble', { error: new Error('out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').waitFor();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Memory: normal' }).click();
  await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByLabel(/^Message to/).fill('Longer than what is remembered. '.repeat(500));
  await page.locator('#memory-note').waitFor();
  await expectAccessible(page);
  await page.getByLabel(/^Message to/).fill('');
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Forget this conversation' }).click();
  await page.getByRole('heading', { name: 'Forget this conversation?' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /sats.*top up/ }).click();
  await page.locator('.top-up').getByRole('button', { name: 'Show the invoice' }).click();
  await page.locator('.top-up .qr').waitFor();
  await expectAccessible(page);
  if (options.viewport.width < 800) {
    await page.getByRole('button', { name: 'Your sessions' }).click();
    await page.getByRole('navigation', { name: 'Your sessions' }).waitFor();
    await expectAccessible(page);
  }
});

test.each(views)(
  'being short of money, of a connection, of a key or of a session passes axe, %s',
  async (_, options) => {
    const { page, context } = await served.visit(options);
    await fund(page, 10);
    script.when('script spend', { deltas: ['Gone.'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
    await ask(page, 'script spend');
    await say(page, 'hello');
    await page.locator('.failed-turn').waitFor();
    await page.locator('.top-up').waitFor();
    await expectAccessible(page);

    await context.setOffline(true);
    await page.getByText('No connection').waitFor();
    await expectAccessible(page);
    await page.reload().catch(() => {});
    await context.setOffline(false);
    await page.goto(served.app.url);
    await page.locator('.failed-turn, .bubble').first().waitFor();

    await page.route('**/messages?*', (route) => route.abort());
    await page.reload();
    await page.getByRole('heading', { name: 'could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/messages?*');
    await page.goto(`${served.app.url}/#/00000000-0000-0000-0000-000000000000`);
    await page.getByText('This browser has no key').waitFor();
    await expectAccessible(page);

    await page.evaluate(keepUnknownSession);
    await page.reload();
    await page.getByRole('heading', { name: 'This session is gone' }).waitFor();
    await expectAccessible(page);
    await page.route('**/config', (route) => route.abort());
    await page.reload();
    await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor();
    await expectAccessible(page);
  },
);

function keepUnknownSession(): void {
  const id = '00000000-0000-0000-0000-000000000000';
  const session = {
    id,
    key: `tt_${'A'.repeat(64)}`,
    title: '',
    balanceMsat: 0,
    peakMsat: 0,
    usedAt: '2026-01-01T00:00:00Z',
  };
  localStorage.setItem('timmy.sessions', JSON.stringify([session]));
}

async function expectAccessible(page: Page): Promise<void> {
  // Evaluated from outside: the page's own CSP allows no such thing.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
}
