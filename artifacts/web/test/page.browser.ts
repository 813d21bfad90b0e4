import { describe, expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';
import { chatThroughTopUp } from './journey.ts';

const { agent, hold, letGo } = createHoldableAgent();
const served = usePage(() => ({ agent }));
const { visit } = served;

test('fund, chat, follow up, run low, top up, continue', async () => {
  const { page } = await visit();
  await chatThroughTopUp(page);
  await expectBooksBalance(served.app);
});

test('a reply that runs while the page is loaded again is picked up, and paid once', async () => {
  const { page } = await visit();
  await fund(page);
  hold('tell me slowly');
  await say(page, 'tell me slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await page.reload();
  await page.getByText('Timmy is still replying').waitFor();
  letGo('tell me slowly');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();

  expect(await doneReplies(page).locator('.md').innerText()).toBe('The beginning, and the end.');
  expect(await page.locator('.bubble').count()).toBe(1);
  const requests = await served.app.query(`SELECT FROM session_requests r WHERE EXISTS (
    SELECT FROM session_messages m WHERE m.session_request_id = r.id AND m.content = 'tell me slowly')`);
  expect(requests).toHaveLength(1);
});

test('two tabs on one session: the second message waits its turn, and both see both', async () => {
  const { page, context, faults } = await visit();
  await fund(page);
  hold('first, slowly');
  await say(page, 'first, slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  const second = await context.newPage();
  second.on('pageerror', (error) => faults.push(String(error)));
  await second.goto(page.url());
  // The second tab shows the same turn, and pays nothing for it.
  await second.getByText('Timmy is still replying').waitFor();
  letGo('first, slowly');
  await doneReplies(second).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();

  hold('second, slowly');
  await say(page, 'second, slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await say(second, 'what did I ask first?');
  await second.getByText('replying to another message of this session').waitFor();
  letGo('second, slowly');
  await second.locator('.md', { hasText: 'The first thing you asked' }).waitFor();
  const all = ['first, slowly', 'second, slowly', 'what did I ask first?'];
  expect(await second.locator('.bubble').allInnerTexts()).toEqual(all);
  await page.bringToFront();
  await page.locator('.md', { hasText: 'The first thing you asked' }).waitFor();
  expect(await page.locator('.bubble').allInnerTexts()).toEqual(all);
});

test('a reply that is stopped stays, marked, and is charged by what it said', async () => {
  const { page } = await visit();
  await fund(page);
  hold('tell me much');
  await say(page, 'tell me much');
  await page.locator('[aria-busy=true] .md').waitFor();
  await page.getByRole('button', { name: 'Stop the reply' }).click();
  await doneReplies(page).getByText('Stopped').waitFor();
  const text = await doneReplies(page).locator('.md').innerText();
  expect(text).toBe('The beginning,');
  await page.reload();
  await doneReplies(page).getByText('Stopped').waitFor();
  expect(await doneReplies(page).locator('.md').innerText()).toBe(text);
});

test('a conversation is forgotten, and its balance stays', async () => {
  const { page } = await visit();
  await fund(page);
  await ask(page, 'How do I brew coffee?');
  await page.locator('.meter-balance', { hasText: '498 sats' }).waitFor();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Forget this conversation' }).click();
  await page.getByRole('button', { name: 'Forget it' }).click();
  await page.getByRole('heading', { name: /^Say something/ }).waitFor();
  expect(await page.locator('.message').count()).toBe(0);
  expect(await page.locator('.meter-balance').innerText()).toBe('498 sats');
  expect(await ask(page, 'what did I ask first?')).toContain('first thing I hear from you');
});

describe('leaving and coming back', () => {
  test('a session opens elsewhere with its key, which is never in a URL', async () => {
    const { page } = await visit();
    await fund(page);
    await ask(page, 'How do I brew coffee?');
    await page.getByRole('button', { name: 'Session menu' }).click();
    await page.getByRole('button', { name: 'Copy session key' }).click();
    const key = await page.evaluate(() => navigator.clipboard.readText());
    expect(key).toMatch(/^tt_/);

    const { page: elsewhere } = await visit();
    await elsewhere.getByRole('button', { name: 'Open with a key' }).click();
    await elsewhere.getByLabel('Session key').fill('tt_nonsense');
    await elsewhere.getByRole('button', { name: 'Open', exact: true }).click();
    await elsewhere.getByText('That is not a session key').waitFor();
    await elsewhere.getByLabel('Session key').fill(key);
    await elsewhere.getByRole('button', { name: 'Open', exact: true }).click();
    await elsewhere.locator('.md', { hasText: 'Heat: bring the water' }).waitFor();
    await elsewhere.locator('.receipt', { hasText: 'tokens in' }).waitFor();
    await elsewhere.locator('.session-title', { hasText: 'How do I brew coffee?' }).waitFor();
  });

  test('the list holds the sessions of this browser', async () => {
    const { page } = await visit();
    await fund(page);
    await ask(page, 'How do I brew coffee?');
    await page.getByRole('button', { name: 'New session' }).click();
    await fund(page, 100);
    await ask(page, 'How do I learn to whistle?');
    const list = page.getByRole('navigation', { name: 'Your sessions' });
    expect(await list.locator('.session-title').allInnerTexts()).toEqual([
      'How do I learn to whistle?',
      'How do I brew coffee?',
    ]);
    await list.getByText('How do I brew coffee?').click();
    await page.locator('.md', { hasText: 'Heat: bring the water' }).waitFor();
    await page.reload();
    await page.locator('.md', { hasText: 'Heat: bring the water' }).waitFor();
  });
});
