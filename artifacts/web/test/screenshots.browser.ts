/** Every state of the page, wide and narrow, light and dark, into `.data/screenshots`; and the README's picture. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  ask,
  createHoldableAgent,
  doneReplies,
  fund,
  launchChromium,
  say,
  serveApp,
  type ServedApp,
  visit,
} from './browser.ts';

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const directory = root('.data/screenshots');

const { agent, script } = createHoldableAgent({ delayMs: 15 });
let app: ServedApp;
let browser: Browser;
beforeAll(async () => {
  await mkdir(directory, { recursive: true });
  await mkdir(root('docs/images'), { recursive: true });
  app = await serveApp({ agent });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
});

const views = [
  ['wide', { width: 1280, height: 800 }],
  ['narrow', { width: 360, height: 740 }],
] as const;

for (const [name, viewport] of views) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${name}, ${colorScheme}`, async () => {
      const { page, context } = await visit(browser, app.url, { viewport, colorScheme });
      let count = 0;
      const shoot = async (state: string) => {
        count += 1;
        await page.screenshot({ path: `${directory}/${name}-${colorScheme}-${count}-${state}.png` });
      };
      await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
      await shoot('start');
      await page.getByLabel('Or any amount').fill('3');
      await page.getByRole('button', { name: 'Show the invoice' }).click();
      await shoot('amount-refused');
      await page.getByRole('button', { name: '500' }).click();
      await page.getByRole('button', { name: 'Show the invoice' }).click();
      await page.getByRole('img', { name: /^QR code/ }).waitFor();
      await shoot('invoice');
      await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
      await page.getByRole('heading', { name: /^Say something/ }).waitFor();
      await shoot('empty');
      await ask(page, 'How do I brew coffee?');
      await ask(page, 'explain step 2');
      await ask(page, 'make it shorter');
      await page.getByLabel(/^Message to/).fill('what did I ask first?');
      await shoot('chat');
      if (name === 'wide' && colorScheme === 'light') {
        // High enough for the whole conversation.
        await page.setViewportSize({ width: 1280, height: 890 });
        await page.screenshot({ path: root('docs/images/page.png') });
        await page.setViewportSize(viewport);
      }
      await say(page, 'Tell me a story about a lighthouse');
      await page.locator('[aria-busy=true] .md').waitFor();
      await shoot('streaming');
      await page.getByRole('button', { name: 'Stop the reply' }).click();
      await page.getByText('Stopped').first().waitFor();
      await shoot('stopped');
      await page.getByRole('button', { name: /sats.*top up/ }).click();
      await shoot('top-up');
      await page.locator('.top-up').getByRole('button', { name: 'Show the invoice' }).click();
      await page.locator('.qr').waitFor();
      await shoot('top-up-invoice');
      await page.getByRole('button', { name: 'Close the top-up' }).click();
      await page.getByRole('button', { name: 'Session menu' }).click();
      await shoot('menu');
      await page.getByRole('button', { name: 'Forget this conversation' }).click();
      await shoot('forget');
      await page.getByRole('button', { name: 'Cancel' }).click();
      if (name === 'narrow') {
        await page.getByRole('button', { name: 'Your sessions' }).click();
        await shoot('sessions');
        await page.getByRole('button', { name: 'Close', exact: true }).click();
      }
      await markdownAndFailure(page, shoot);
      await shortOfMoney(page, shoot);
      await outOfReach(page, shoot);
      expect(count).toBeGreaterThan(10);
      await context.close();
    });
  }
}

const MARKDOWN = [
  '## A short answer\n\nUse `fetch`, **not** a library: it is [in every browser](https://example.org).\n\n',
  "```ts\nconst response = await fetch('/sessions', { method: 'POST' });\nconsole.log(response.status);\n```\n\n",
  '> Quoted, for good measure.\n\n| sats | what for |\n|---|---|\n| 2 | a plan |\n| 1 | a step |\n',
];

async function markdownAndFailure(page: Page, shoot: (state: string) => Promise<void>): Promise<void> {
  script.when('script show me', { deltas: MARKDOWN });
  await ask(page, 'script show me');
  await shoot('markdown');
  script.when('script trouble', { error: new Error('out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').waitFor();
  await page.context().setOffline(true);
  await page.getByText('No connection').waitFor();
  await shoot('failed-and-offline');
  await page.context().setOffline(false);
  await page.getByText('No connection').waitFor({ state: 'detached' });
}

async function shortOfMoney(page: Page, shoot: (state: string) => Promise<void>): Promise<void> {
  await page.goto(`${app.url}/#/new`);
  await fund(page, 10);
  while ((await page.locator('.failed-turn').count()) === 0) {
    const before = await doneReplies(page).count();
    await say(page, 'How do I learn to whistle?');
    await page.locator('.failed-turn, .receipt:has-text("tokens in")').nth(before).waitFor();
    expect(before).toBeLessThan(20);
  }
  await shoot('unpaid');
  await app.query(`UPDATE sessions SET status = 'closed' WHERE id = $1`, [new URL(page.url()).hash.slice(2)]);
  await page.getByText('This session is closed. It').waitFor();
  await shoot('closed');
}

async function outOfReach(page: Page, shoot: (state: string) => Promise<void>): Promise<void> {
  await page.goto(`${app.url}/#/00000000-0000-4000-8000-000000000000`);
  await page.getByText('This browser has no key').waitFor();
  await shoot('no-key');
  await page.route('**/config', (route) => route.abort());
  await page.reload();
  await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor();
  await shoot('unreachable');
}
