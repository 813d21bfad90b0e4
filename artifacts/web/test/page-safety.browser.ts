import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { conversationExportSchema } from '@timmy-tower/contract';
import { openSimulatedWallet } from '@timmy-tower/lightning';
import { expect, test } from 'vitest';

import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script } = createHoldableAgent();
/** How long ago the wallet thinks it is: its invoices are so much nearer to their expiry. */
let behindMs = 0;
const served = usePage(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-wallet-'));
  return { agent, wallet: await openSimulatedWallet({ directory, now: () => new Date(Date.now() - behindMs) }) };
});
const { visit } = served;

test('an invoice that expires is replaced by a fresh one, which can be paid', async () => {
  const { page } = await visit();
  behindMs = 3_592_000;
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  const link = page.getByRole('link', { name: 'Open in a wallet' });
  const first = await link.getAttribute('href');
  behindMs = 0;
  await page.getByText(/(60:00|59:\d\d) left/).waitFor();
  expect(await link.getAttribute('href')).not.toBe(first);
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.getByRole('heading', { name: /^Say something/ }).waitFor();
});

test('a browser wallet is offered where there is one', async () => {
  const { page } = await visit();
  await page.addInitScript(() => {
    Object.assign(globalThis, {
      webln: {
        enable: async () => {},
        sendPayment: async (bolt11: string) =>
          fetch('/dev/wallet/pay', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ bolt11 }),
          }),
      },
    });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with browser wallet' }).click();
  await page.getByRole('heading', { name: /^Say something/ }).waitFor();
});

test('a reply full of hostile Markdown and HTML runs nothing and fetches nothing', async () => {
  const { page, context } = await visit();
  await fund(page);
  const hostile = [
    '<script>window.hacked = 1</script>',
    '<img src=x onerror="window.hacked = 2">',
    '<iframe src="https://evil.example"></iframe><style>body{display:none}</style>',
    '[click](javascript:window.hacked=3) [data](data:text/html,<script>alert(1)</script>) [tab](https://example.org)',
    '![picture](https://evil.example/pixel.png)',
    '<a href="javascript:alert(1)">a</a> <svg onload=alert(1)> <https://example.org/auto>',
    '[ref][x]',
    '[x]: javascript:window.hacked=4 "title"',
    '```"><script>window.hacked = 5</script>\n</code></pre><script>window.hacked = 6</script>\n```',
    '| a | b |\n|---|---|\n| <b onclick=alert(1)>x</b> | y |',
  ].join('\n\n');
  script.when('script attack', { deltas: hostile.match(/[\s\S]{1,40}/g) ?? [] });
  await say(page, 'script attack');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();

  const deep = `${'>'.repeat(3000)} deep\n\n${'['.repeat(2000)}${'*'.repeat(2001)}`;
  script.when('script depths', { deltas: [deep] });
  await say(page, 'script depths');
  await doneReplies(page).nth(1).locator('.receipt', { hasText: 'tokens in' }).waitFor();

  expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
  expect(await page.locator('.md').locator('script, img, iframe, style, svg, [onerror], [onclick]').count()).toBe(0);
  const links = page.locator('.md a');
  for (const href of await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))) {
    expect(href).toMatch(/^https:/);
  }
  expect(await links.first().getAttribute('rel')).toContain('noopener');
  const opened = context.waitForEvent('page');
  await context.route('https://example.org/**', (route) => route.fulfill({ body: 'elsewhere' }));
  await page.getByRole('link', { name: 'tab' }).click();
  expect(await (await opened).evaluate(() => globalThis.opener)).toBeNull();
});

test('the page, its CSP and its caching', async () => {
  const document = await fetch(served.app.url, { headers: { 'accept-encoding': 'br' } });
  const csp = document.headers.get('content-security-policy');
  expect(csp).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
  expect(csp).not.toContain('unsafe');
  expect(document.headers.get('x-content-type-options')).toBe('nosniff');
  expect(document.headers.get('cache-control')).toBe('no-store');
  expect(document.headers.get('content-encoding')).toBe('br');
  const html = await document.text();
  expect(html).not.toMatch(/<script(?![^>]*src=)/);
  const path = /src="\.(\/assets\/[^"]+\.js)"/.exec(html)![1]!;
  const asset = await fetch(served.app.url + path);
  expect(asset.headers.get('cache-control')).toContain('immutable');
  const file = served.app.deps.page!.find((each) => each.path === path)!;
  expect((await file.compressed('gzip')).length).toBeLessThan(120_000);
});

test('a conversation is exported as Markdown, and as JSON that the contract reads', async () => {
  const { page } = await visit();
  await fund(page);
  await ask(page, 'How do I brew coffee?');
  const exported = async (format: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Session menu' }).click();
    await page.getByRole('button', { name: `Export as ${format}` }).click();
    return readFile(await (await download).path(), 'utf8');
  };
  const { messages } = conversationExportSchema.parse(JSON.parse(await exported('JSON')));
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  expect(messages[0]?.content).toBe('How do I brew coffee?');
  expect(await exported('Markdown')).toMatch(
    /^# How do I brew coffee\?\n[\s\S]*## You[\s\S]*## Timmy[\s\S]*1\. Gather/,
  );
});

test('a turn that failed is tried again with the same key, and paid once', async () => {
  const { page } = await visit();
  await fund(page);
  script.when('script trouble', { error: new Error('the model is out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').getByText('Nothing was charged').waitFor();
  await page.reload();
  script.when('script trouble', { deltas: ['All is well.'] });
  await page.getByRole('button', { name: 'Try again' }).click();
  await doneReplies(page).locator('.md', { hasText: 'All is well.' }).waitFor();
  const requests = await served.app.query<{ key: string; state: string }>(
    `SELECT idempotency_key AS key, state FROM session_requests WHERE session_id = $1 ORDER BY created_at`,
    [new URL(page.url()).hash.slice(2)],
  );
  expect(requests.map(({ state }) => state)).toEqual(['failed', 'completed']);
  expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
});

test('Shift and Enter break the line, Enter sends', async () => {
  const { page } = await visit();
  await fund(page);
  await page.getByLabel(/^Message to/).fill('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  expect(await page.locator('.bubble').innerText()).toBe('one\ntwo');
});
