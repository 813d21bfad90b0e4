/** The page behind proxies as they are: they answer in the server's place, give up early, and hold streams back. */
import type { Page } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';
import { chatThroughTopUp, moveOver } from './journey.ts';
import { type Call, type Instead, openProxy, type Proxy } from './proxy.ts';

let proxy: Proxy;
const { agent, hold, letGo, script } = createHoldableAgent();
const served = usePage(() => ({ agent }), {
  openTo: async (url) => {
    proxy = await openProxy(url);
    return proxy;
  },
});
afterEach(() => {
  proxy.intercept = () => undefined;
  proxy.holdsEventsBack = false;
});

const isTurn = ({ method, path }: Call) => method === 'POST' && path.endsWith('/request');

/** The first turns are answered in the server's place. */
function interceptTurns(times: number, instead: Instead): { readonly met: () => number } {
  let met = 0;
  proxy.intercept = (call) => {
    if (!isTurn(call) || met === times) return undefined;
    met += 1;
    return instead;
  };
  return { met: () => met };
}

async function expectPaidOnce(page: Page, content: string): Promise<void> {
  expect(await page.locator('.bubble', { hasText: content }).count()).toBe(1);
  const charged = await served.app.query(
    `SELECT FROM session_requests r WHERE r.state <> 'failed' AND EXISTS (
      SELECT FROM session_messages m WHERE m.session_request_id = r.id AND m.content = $1)`,
    [content],
  );
  expect(charged).toHaveLength(1);
  await expectBooksBalance(served.app);
}

test.each<[string, Instead]>([
  ['a gateway’s timeout', { status: 504 }],
  ['a gateway’s error', { status: 502, body: '' }],
  ['a wall’s refusal', { status: 403 }],
  ['a portal’s page', { status: 200 }],
  ['a way elsewhere', { status: 302, headers: { location: '/login' } }],
  ['JSON that breaks off', { status: 500, type: 'application/json', body: '{"type":"/problems/agent-fa' }],
  [
    'a bare failure',
    {
      status: 500,
      type: 'application/problem+json',
      body: '{"type":"about:blank","title":"Internal Server Error","status":500}',
    },
  ],
  [
    'another program’s problem',
    {
      status: 422,
      type: 'application/problem+json',
      body: '{"type":"about:blank","title":"No","status":422,"code":7}',
    },
  ],
])('%s while the turn goes on is no failure: the reply comes, and is paid once', async (name, instead) => {
  const { page } = await served.visit();
  await fund(page);
  const content = `hold on at ${name}`;
  hold(content);
  const { met } = interceptTurns(1, { ...instead, reached: true });
  await say(page, content);
  await page.getByText('Timmy is still replying').waitFor();
  expect(met()).toBe(1);
  expect(await page.getByText(/charged/).count()).toBe(0);
  letGo(content);
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await doneReplies(page).locator('.md').innerText()).toBe('The beginning, and the end.');
  await expectPaidOnce(page, content);
});

test('a proxy that always refuses a message: nothing is claimed, and trying again is the same message', async () => {
  const { page } = await served.visit();
  await fund(page);
  script.when('script refused', { deltas: ['It came.'] });
  const { met } = interceptTurns(Number.POSITIVE_INFINITY, { status: 403, reached: true });
  await say(page, 'script refused');
  const alert = page.getByRole('alert').filter({ hasText: 'No answer of the server came through' });
  await alert.waitFor();
  expect(met()).toBe(4);
  expect(await alert.innerText()).toContain('it is charged once at most');
  expect(await alert.innerText()).not.toMatch(/not charged|nothing was charged/i);
  await page.reload();
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  expect(await page.locator('.failed-turn').innerText()).not.toMatch(/not charged|nothing was charged/i);
  proxy.intercept = () => undefined;
  await again.click();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await expectPaidOnce(page, 'script refused');
});

test('a failure of the server’s own says that it was not charged, before and after a reload', async () => {
  const { page } = await served.visit();
  await fund(page);
  const problem = { type: '/problems/rate-limited', code: 'rate-limited', title: 'Too many requests', status: 429 };
  const body = JSON.stringify({ ...problem, detail: 'Try again in 20 s.' });
  interceptTurns(1, { status: 429, type: 'application/problem+json', body });
  await say(page, 'How do I brew coffee?');
  await page.locator('.failed-turn', { hasText: 'You were not charged.' }).waitFor();
  await page.reload();
  await page.locator('.failed-turn', { hasText: 'You were not charged.' }).waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
});

test('a proxy’s 404 while the server is away takes no session from anybody', async () => {
  const { page } = await served.visit();
  await fund(page);
  proxy.intercept = ({ path }) => (path.startsWith('/sessions/') ? { status: 404 } : undefined);
  await page.reload();
  await page.getByRole('heading', { name: 'The conversation could not be loaded' }).waitFor();
  expect(await page.getByText('This session is gone').count()).toBe(0);
  proxy.intercept = () => undefined;
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
});

test('a conversation is not said to be forgotten by a portal’s page', async () => {
  const { page } = await served.visit();
  await fund(page);
  script.when('script kept', { deltas: ['Kept.'] });
  await say(page, 'script kept');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  proxy.intercept = ({ method }) => (method === 'DELETE' ? { status: 200 } : undefined);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Forget this conversation' }).click();
  await page.getByRole('button', { name: 'Forget it' }).click();
  await page.getByRole('alert').filter({ hasText: 'No proper answer came (200)' }).waitFor();
  expect(await page.locator('.message').count()).toBe(2);
});

test('the whole journey behind a proxy that holds events back', async () => {
  const { page } = await served.visit();
  proxy.holdsEventsBack = true;
  await chatThroughTopUp(page);
  await page.reload();
  await page.locator('.md', { hasText: 'Step 3' }).first().waitFor();
  const { page: elsewhere } = await served.visit();
  await moveOver(page, elsewhere);
  await expectBooksBalance(served.app);
});
