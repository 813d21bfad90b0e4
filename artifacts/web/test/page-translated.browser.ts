/** The page while a browser translates it: every text is put into elements that React knows nothing of. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { ask, createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script, hold, letGo } = createHoldableAgent();
const served = usePage(() => ({ agent }));

declare global {
  // oxlint-disable-next-line no-var -- a global is a var
  var unseen: string[];
}

test('the whole journey goes on, and no number or word is stale', { timeout: 180_000 }, async () => {
  const { page } = await served.visit();
  await page.addInitScript(translateAsBrowsersDo);
  await page.reload();
  await fund(page, 10);
  expect(await page.locator('font').count()).toBeGreaterThan(10);
  await ask(page, 'How do I brew coffee?');
  await streamMarkdown(page);
  await stopAndFail(page);
  await payAgain(page);
  await untilBalancesAgree(page);
  await ask(page, 'explain step 2');
  await untilBalancesAgree(page);
  await leaveAndComeBack(page);
  await rememberLess(page);
  expect(await page.evaluate(() => globalThis.unseen)).toEqual([]);
});

/** Each word changes the last block: a text becomes another, becomes bold, becomes a list. */
async function streamMarkdown(page: Page): Promise<void> {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [first, second, third] = gates.map(({ promise }) => promise);
  script.when('script grow', {
    deltas: [
      { reasoning: 'Let me see' },
      first!,
      { reasoning: ', and see.' },
      'A *beginning',
      second!,
      '* and **more',
      third!,
      '**, `code`\n\n| a | b |\n|---|---|\n| 1 |',
      ' 2 |\n\n1. one\n2. two\n   - three\n\nThe end.',
    ],
  });
  await say(page, 'script grow');
  const arriving = page.locator('[aria-busy=true]');
  await arriving.locator('.thoughts', { hasText: 'Let me see' }).waitFor();
  gates[0]!.resolve();
  await arriving.locator('.md', { hasText: 'A *beginning' }).waitFor();
  gates[1]!.resolve();
  await arriving.locator('.md em', { hasText: 'beginning' }).waitFor();
  gates[2]!.resolve();
  const reply = doneReplies(page).last();
  await reply.locator('p', { hasText: 'The end.' }).waitFor();
  expect(await reply.locator('td').allInnerTexts()).toEqual(['1', '2']);
  expect(await reply.locator('.md > p').first().innerText()).toBe('A beginning and more, code');
}

async function stopAndFail(page: Page): Promise<void> {
  hold('slowly');
  await say(page, 'slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await page.getByRole('button', { name: 'Stop the reply' }).click();
  await page.getByText('Stopped').first().waitFor();
  letGo('slowly');
  script.when('script trouble', { error: new Error('out of order') });
  await say(page, 'script trouble');
  await page.locator('.failed-turn').waitFor();
  script.when('script trouble', { deltas: ['All is well.'] });
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.md', { hasText: 'All is well.' }).waitFor();
}

async function payAgain(page: Page): Promise<void> {
  script.when('script spend', { deltas: ['Gone.'], usage: { inputTokens: 1e6, outputTokens: 1e6 } });
  await ask(page, 'script spend');
  await say(page, 'How do I learn to whistle?');
  await page.locator('.failed-turn', { hasText: 'does not cover' }).waitFor();
  await page.locator('.top-up').getByRole('button', { name: '1,000' }).click();
  await page.locator('.top-up').getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.locator('.failed-turn').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Send' }).waitFor();
}

async function leaveAndComeBack(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await page.getByText('No connection').waitFor();
  await page.context().setOffline(false);
  await page.getByText('No connection').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'New session' }).click();
  await page.getByRole('button', { name: '100' }).click();
  await page.getByLabel('Or any amount').fill('1.5');
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('alert').filter({ hasText: 'more than one way' }).waitFor();
  await fund(page, 100);
  await page.locator('.session-title', { hasText: 'How do I brew coffee?' }).click();
  await page.locator('.md', { hasText: 'Heat: bring the water' }).first().waitFor();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Copy session key' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await page.getByRole('button', { name: 'Forget this conversation' }).click();
  await page.getByRole('button', { name: 'Forget it' }).click();
  await page.getByRole('heading', { name: /^Say something/ }).waitFor();
  await ask(page, 'How do I learn to whistle?');
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Remove from this browser' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByRole('heading', { name: 'Talk to Timmy' }).waitFor();
}

async function rememberLess(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New session' }).click();
  await fund(page, 100);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Memory: normal' }).click();
  await page.getByRole('radio', { name: /^Short/ }).check();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.locator('.empty-thread', { hasText: 'your last message and its reply' }).waitFor();
  await page.getByLabel(/^Message to/).fill('Long. '.repeat(3000));
  await page.locator('#memory-note', { hasText: 'at most 16,000 of 18,000' }).waitFor();
  await page.keyboard.type('And on.');
  await page.locator('#memory-note', { hasText: 'at most 16,000 of 18,007' }).waitFor();
}

/** Both are told of a turn's charge a moment after its reply. */
const untilBalancesAgree = (page: Page) =>
  expect
    .poll(async () => [await sidebarBalance(page), await page.locator('.meter-balance').innerText()])
    .toSatisfy(([one, other]) => one === other);

const sidebarBalance = (page: Page) =>
  page.locator('.session-link[aria-current=page] .session-facts bdi').first().innerText();

/**
 * Every text goes into two elements at once, as Google's and others' translation does it. A text that is changed after it was
 * taken out of the document is one that nobody sees: it is noted.
 */
function translateAsBrowsersDo(): void {
  globalThis.unseen = [];
  const taken = new WeakSet<Node>();
  const notTranslated = 'script, style, textarea, title, [translate=no], .notranslate, font font';
  const wrap = (text: Node) => {
    if (!text.parentElement || text.nodeValue?.trim() === '' || text.parentElement.closest(notTranslated)) return;
    const [outer, inner] = [document.createElement('font'), document.createElement('font')];
    inner.append(text.nodeValue ?? '');
    outer.append(inner);
    text.parentElement.replaceChild(outer, text);
    taken.add(text);
  };
  const wrapAll = (root: Node) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts: Node[] = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) wrap(text);
  };
  const nodeValue = Object.getOwnPropertyDescriptor(Node.prototype, 'nodeValue')!;
  Object.defineProperty(Node.prototype, 'nodeValue', {
    ...nodeValue,
    set(this: Node, value: string) {
      if (taken.has(this)) globalThis.unseen.push(`${this.textContent} → ${value}`);
      nodeValue.set!.call(this, value);
    },
  });
  new MutationObserver((changes) => {
    for (const { target } of changes)
      if (target.isConnected) wrapAll(target.nodeType === Node.TEXT_NODE ? target.parentNode! : target);
  }).observe(document, { subtree: true, childList: true, characterData: true });
}
