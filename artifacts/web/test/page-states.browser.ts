/** Small windows, dark rooms, keyboards alone, and what happens to sessions, storages and connections. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script } = createHoldableAgent();
const served = usePage(() => ({ agent }));

const sessionIdOf = (page: Page) => new URL(page.url()).hash.slice(2);

test('on a narrow phone everything fits, and the sessions are a drawer', async () => {
  const { page } = await served.visit({ viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true });
  await page.getByRole('button', { name: 'Show the invoice' }).tap();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).tap();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await page.getByRole('button', { name: 'How do I brew coffee?' }).tap();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  const field = (await page.getByLabel(/^Message to/).boundingBox())!;
  expect(field.y + field.height).toBeLessThanOrEqual(568);
  expect(field.width).toBeGreaterThan(180);

  const list = page.getByRole('navigation', { name: 'Your sessions' });
  expect(await list.isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Your sessions' }).tap();
  await list.getByText('How do I brew coffee?').waitFor();
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'hidden' });
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Your sessions');
  await page.getByRole('button', { name: 'Your sessions' }).tap();
  await list.getByRole('button', { name: 'New session' }).tap();
  await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
  expect(await list.isVisible()).toBe(false);
});

test.each(['light', 'dark'] as const)('who prefers it %s gets it', async (colorScheme) => {
  const { page } = await served.visit({ colorScheme });
  await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
  const [paper, ink] = await page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.documentElement);
    return [backgroundColor, color].map((each) => Number(/\d+/.exec(each)![0]));
  });
  expect(paper! > ink!).toBe(colorScheme === 'light');
});

test('everything works by keyboard', async () => {
  const { page } = await served.visit();
  await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
  const tabTo = async (name: string) => {
    const isThere = () => page.evaluate(() => document.activeElement?.textContent);
    for (let tabs = 0; (await isThere()) !== name; tabs += 1) {
      expect(tabs).toBeLessThan(30);
      await page.keyboard.press('Tab');
    }
  };
  await tabTo('Show the invoice');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Pay with the test wallet' }).waitFor();
  await tabTo('Pay with the test wallet');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === 'message');
  await page.keyboard.type('How do I brew coffee?');
  await page.keyboard.press('Enter');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('message');
});

test('a message sent without a connection goes out when there is one, once', async () => {
  const { page, context } = await served.visit();
  await fund(page);
  await context.setOffline(true);
  await say(page, 'How do I brew coffee?');
  await page.getByText('Waiting for a connection').waitFor();
  await context.setOffline(false);
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await page.getByText('No connection').waitFor({ state: 'detached' });
  expect(await page.locator('.bubble').count()).toBe(1);
  const requests = await served.app.query('SELECT FROM session_requests WHERE session_id = $1', [sessionIdOf(page)]);
  expect(requests).toHaveLength(1);
});

test('a session that sleeps wakes with a top-up, and the message goes out', async () => {
  const { page } = await served.visit();
  await fund(page, 100);
  await served.app.query(`UPDATE sessions SET status = 'expired' WHERE id = $1`, [sessionIdOf(page)]);
  await say(page, 'How do I brew coffee?');
  await page.getByText('This session was idle for long').waitFor();
  await page.locator('.top-up').getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await expectBooksBalance(served.app);
});

test('a closed session can be read, and takes nothing more', async () => {
  const { page } = await served.visit();
  await fund(page);
  await ask(page, 'How do I brew coffee?');
  await served.app.query(`UPDATE sessions SET status = 'closed' WHERE id = $1`, [sessionIdOf(page)]);
  await page.getByText('This session is closed').waitFor();
  expect(await page.getByLabel(/^Message to/).count()).toBe(0);
  await page.reload();
  await page.locator('.md', { hasText: 'Heat: bring the water' }).waitFor();
  await page.getByText('This session is closed').waitFor();
});

test('too many new sessions are refused kindly', async () => {
  const { page } = await served.visit();
  const code = 'rate-limited';
  const detail = 'Try again in 20 seconds.';
  const problem = { type: `/problems/${code}`, code, title: 'Too many requests', status: 429, detail };
  await page.route('**/sessions', (route) =>
    route.fulfill({ status: 429, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('alert').filter({ hasText: 'Try again in 20 seconds.' }).waitFor();
  await page.unroute('**/sessions');
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).waitFor();
});

test('a browser that stores nothing still works, until the tab is closed', async () => {
  const { page } = await served.visit();
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, 'localStorage', {
      get: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  await page.reload();
  await fund(page);
  expect(await ask(page, 'How do I brew coffee?')).toContain('Heat: bring the water');
  await page.getByRole('button', { name: 'New session' }).click();
  await page.locator('.session-title', { hasText: 'How do I brew coffee?' }).click();
  await page.locator('.md', { hasText: 'Heat: bring the water' }).waitFor();
});

test('a list of sessions that is damaged loses no key', async () => {
  const { page } = await served.visit();
  await fund(page);
  script.when('script hello', { deltas: ['Hello.'] });
  await ask(page, 'script hello');
  await page.evaluate(() => {
    const item = 'timmy.sessions';
    localStorage.setItem(item, localStorage.getItem(item)!.slice(0, -5));
  });
  await page.goto(served.app.url);
  await page.reload();
  await page.locator('.md', { hasText: 'Hello.' }).waitFor();
  await page.locator('.session-title', { hasText: 'script hello' }).waitFor();
});
