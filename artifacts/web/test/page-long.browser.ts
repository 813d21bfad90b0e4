/** What is long: a conversation of 2,000 messages, and a reply of 5,000 words. Measured in the browser, as its reader feels it. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { testLimits } from '../../api-server/test/harness.ts';
import { createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script, hold, letGo } = createHoldableAgent();
/** Room for the longest reply here: what goes past the limit is cut. */
const served = usePage(() => ({ agent, deps: { limits: { ...testLimits, maxOutputTokens: 20_000 } } }));

test('2,000 messages scroll smoothly: only those near the view are drawn', { timeout: 120_000 }, async () => {
  const page = await openConversation(2000);
  await measure(page);
  await page.evaluate(scrollBy, -3000);
  await message(page, 1).waitFor();
  const up = await report(page, 'scrolled up, 40 pages');
  await page.evaluate(scrollBy, 1500);
  await message(page, 2000).waitFor();
  const down = await report(page, 'scrolled down');
  for (const { mostMessages, mostElements, frames } of [up, down]) {
    expect(mostMessages).toBeLessThan(200);
    expect(mostElements).toBeLessThan(2000);
    expect(portion(frames, 0.5)).toBeLessThan(100);
  }
});

test('what is read stays where it is, whatever comes in above it and below it', async () => {
  const page = await openConversation(120);
  const gate = Promise.withResolvers<void>();
  await page.route('**/messages?*after=*', async (route) => {
    await gate.promise;
    await route.continue();
  });
  hold('slowly');
  await say(page, 'slowly');
  await page.locator('[aria-busy=true] .md').waitFor();
  await page.locator('.thread').evaluate((thread) => thread.scrollTo(0, 0));
  await page.getByText('Loading earlier messages').waitFor();
  const top = async () => (await message(page, 71).boundingBox())?.y;
  const before = await top();
  gate.resolve();
  await message(page, 70).waitFor({ state: 'attached' });
  await nextFrame(page);
  expect(await top()).toBeCloseTo(before ?? 0, -0.5);
  letGo('slowly');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await nextFrame(page);
  expect(await top()).toBeCloseTo(before ?? 0, -0.5);
  await say(page, 'and now?');
  await doneReplies(page).locator('.md', { hasText: 'now' }).waitFor();
});

test('typing stays quick while a reply of 5,000 words arrives', { timeout: 120_000 }, async () => {
  const { page } = await served.visit();
  await fund(page, 100_000);
  const words = Array.from({ length: 1000 }, (_, index) => {
    const end = index % 10 === 9 ? '\n\n' : index % 10 === 0 ? '**so** `it` ' : ' ';
    return `word${index} and then some${end}`;
  });
  const soon: PromiseLike<unknown> = {
    // oxlint-disable-next-line unicorn/no-thenable -- another moment each time it is awaited
    then: (resolve, reject) => delay<unknown>(6).then(resolve, reject),
  };
  const typedAll = Promise.withResolvers<void>();
  script.when('script long', { deltas: [...words.flatMap((word) => [word, soon]), typedAll.promise] });
  await measure(page);
  const typed = 'I type while it talks, and each letter shows at once.';
  const type = async (when: string) => {
    await page.keyboard.type(typed, { delay: 60 });
    const { long, keys } = await report(page, when);
    return { longestMs: Math.max(0, ...long), keyMs: portion(keys, 0.5) };
  };
  await page.getByLabel(/^Message to/).focus();
  const before = await type('typed before the reply');
  await page.getByLabel(/^Message to/).fill('');
  await say(page, 'script long');
  await page.locator('[aria-busy=true] .md').waitFor();
  await type('typed as it begins');
  await page.locator('[aria-busy=true] .md', { hasText: 'word700' }).waitFor();
  const during = await type('typed as it is long');
  typedAll.resolve();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await page.getByLabel(/^Message to/).inputValue()).toBe(typed + typed);
  expect(during.keyMs).toBeLessThan(before.keyMs + 50);
  expect(during.longestMs).toBeLessThan(1000);
});

/** A session with so many messages in it, as a reader finds it. */
async function openConversation(count: number): Promise<Page> {
  const { page } = await served.visit();
  await fund(page);
  await served.app.query(
    `INSERT INTO session_messages (session_id, role, content, created_at)
     SELECT $1, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       'Message ' || n || repeat(E'\\n\\n- **some** words and \`code\` to fill it', n * 7 % 6),
       now() + n * interval '1 millisecond'
     FROM generate_series(1, $2::int) n`,
    [new URL(page.url()).hash.slice(2), count],
  );
  await page.reload();
  await message(page, count).waitFor();
  return page;
}

const message = (page: Page, n: number) => page.locator('.message', { hasText: new RegExp(`^Message ${n}(?!\\d)`) });

/** What this part of the values is below: 0.5 for the one in the middle. */
const portion = (values: readonly number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;

const nextFrame = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

interface Measured {
  /** Tasks of more than 50 ms. */
  long: number[];
  /** From a key to the end of the frame that shows it. */
  keys: number[];
  /** From frame to frame while it scrolls, and the most that was in the document meanwhile. */
  frames: number[];
  mostMessages: number;
  mostElements: number;
}

declare global {
  // oxlint-disable-next-line no-var -- a global is a var
  var measured: Measured;
}

/** Begins to note, in the page, what a reader feels. */
async function measure(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.measured = { long: [], keys: [], frames: [], mostMessages: 0, mostElements: 0 };
    new PerformanceObserver((list) => {
      measured.long.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
    addEventListener('keydown', ({ timeStamp }) => {
      const painted = new MessageChannel();
      painted.port1.addEventListener('message', () => measured.keys.push(performance.now() - timeStamp));
      painted.port1.start();
      requestAnimationFrame(() => painted.port2.postMessage(''));
    });
  });
}

async function report(page: Page, what: string): Promise<Measured> {
  await nextFrame(page);
  const noted = await page.evaluate(() => {
    const now = globalThis.measured;
    globalThis.measured = { long: [], keys: [], frames: [], mostMessages: 0, mostElements: 0 };
    return now;
  });
  const most = (values: readonly number[]) => Math.round(Math.max(0, ...values));
  // oxlint-disable-next-line no-console -- the figures are half of what it is for
  console.info(
    `${what}: longest task ${most(noted.long)} ms (${noted.long.length} over 50 ms);`,
    `key to paint ${Math.round(portion(noted.keys, 0.5))} ms in the middle, ${most(noted.keys)} ms at most;`,
    `at most ${noted.mostMessages} messages in ${noted.mostElements} elements; frame ${Math.round(portion(noted.frames, 0.5))} ms in the middle, ${most(noted.frames)} ms at most`,
  );
  return noted;
}

/** So many pixels a frame, until there is nothing more in that direction, nor on its way. */
async function scrollBy(step: number): Promise<void> {
  const thread = document.querySelector('.thread')!;
  const isThere = () =>
    step > 0
      ? thread.scrollTop + thread.clientHeight > thread.scrollHeight - 2
      : thread.scrollTop === 0 && !document.querySelector('.older');
  let before = performance.now();
  while (!isThere()) {
    thread.scrollTop += step;
    // oxlint-disable-next-line no-await-in-loop -- frame by frame
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    measured.frames.push(now - before);
    measured.mostMessages = Math.max(measured.mostMessages, document.querySelectorAll('.message').length);
    measured.mostElements = Math.max(measured.mostElements, document.querySelectorAll('*').length);
    before = now;
  }
}
