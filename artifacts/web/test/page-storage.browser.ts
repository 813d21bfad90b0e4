/** What the browser keeps, and what becomes of it when it keeps nothing: a lost key is lost money. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { expectBooksBalance } from '../../api-server/test/harness.ts';
import { createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';
import { chatThroughTopUp, moveOver, openWithKey, readKey } from './journey.ts';

const { agent, hold, letGo, script } = createHoldableAgent();
const served = usePage(() => ({ agent }));
const { visit } = served;

const storages: readonly (readonly [string, () => void])[] = [
  [
    'forbidden',
    () =>
      Object.defineProperty(globalThis, 'localStorage', {
        get: () => {
          throw new DOMException('denied', 'SecurityError');
        },
      }),
  ],
  ['switched off', () => Object.defineProperty(globalThis, 'localStorage', { value: null })],
  [
    'full',
    () => {
      const free = 5 * 1024 * 1024 - Object.entries(localStorage).join('').length;
      for (let size = free; size >= 1; size = Math.floor(size / 2)) {
        try {
          localStorage.setItem(`of another page ${size}`, 'x'.repeat(size));
        } catch {
          // A smaller one fits.
        }
      }
    },
  ],
  [
    'silent about what it drops',
    () => {
      Storage.prototype.setItem = () => {};
    },
  ],
];

test.each(storages)('a storage that is %s: said before the payment, with the key to keep', async (_, spoil) => {
  const { page } = await visit();
  await page.addInitScript(spoil);
  await page.reload();
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).waitFor();
  const notice = page.locator('.unkept[open]');
  await notice.getByText('Before you pay, copy the key').waitFor();
  const key = await notice.getByLabel('Key of this session').inputValue();
  expect(await page.getByText('Keys are kept in this browser only.').count()).toBe(0);
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await page.getByText('This browser does not keep the key of this session.').waitFor();
  await page.reload();
  await openWithKey(page, key);
  await page.locator('.meter-balance', { hasText: '500 sats' }).waitFor();
});

test('the whole journey with storage refused', async () => {
  const { page } = await visit();
  const [, forbid] = storages[0]!;
  await page.addInitScript(forbid);
  await page.reload();
  await chatThroughTopUp(page);
  const { page: elsewhere } = await visit();
  await moveOver(page, elsewhere);
  await expectBooksBalance(served.app);
});

test('where keys are kept nothing is said of it, and the browser is asked to keep them', async () => {
  const { page } = await visit();
  await page.addInitScript(() => {
    navigator.storage.persist = async () => {
      document.documentElement.dataset['asked'] = 'yes';
      return true;
    };
  });
  await page.reload();
  await fund(page);
  expect(await page.locator('html').getAttribute('data-asked')).toBe('yes');
  await page.getByText('Keys are kept in this browser only.').waitFor();
  expect(await page.locator('.unkept').count()).toBe(0);
});

test('storage that becomes full loses no message: it is in the field again after a reload', async () => {
  const { page } = await visit();
  await fund(page);
  await page.getByLabel(/^Message to/).fill('hold a message that has no room');
  await page.evaluate(storages[2]![1]);
  hold('hold a message that has no room');
  await page.keyboard.press('Enter');
  await page.locator('[aria-busy=true] .md').waitFor();
  const kept = await page.evaluate(() =>
    Object.entries(localStorage).filter(([name]) => /^timmy\.(draft|pending)/.test(name)),
  );
  expect(kept.map(([, value]) => value).join()).toContain('hold a message that has no room');
  letGo('hold a message that has no room');
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await page.reload();
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await page.getByLabel(/^Message to/).inputValue()).toBe('');
});

test('a key that only one tab has outlives what another tab stores', async () => {
  const { page, context } = await visit();
  await fund(page);
  const other = await context.newPage();
  await other.goto(served.app.url);
  await other.getByLabel(/^Message to/).waitFor();
  // As long as this stands, the storage of this tab is full.
  await page.evaluate(() => {
    Object.defineProperty(localStorage, 'setItem', {
      configurable: true,
      value: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    });
  });
  await page.getByRole('button', { name: 'New session' }).click();
  await fund(page, 100);
  const key = await readKey(page);
  script.when('script from elsewhere', { deltas: ['Stored.'] });
  await other.bringToFront();
  await say(other, 'script from elsewhere');
  await doneReplies(other).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  await page.bringToFront();
  await page.locator('.session-title', { hasText: 'script from elsewhere' }).waitFor();
  expect(await readKey(page)).toBe(key);
  // There is room again: the next change stores all.
  await page.evaluate(() => Reflect.deleteProperty(localStorage, 'setItem'));
  script.when('script there is room', { deltas: ['Yes.'] });
  await say(page, 'script there is room');
  await page.getByText('This browser does not keep').first().waitFor({ state: 'detached' });
  expect(await page.evaluate(() => localStorage.getItem('timmy.sessions'))).toContain(key);
});

/** What the page of version 0.2.0 stored, to the letter. */
async function storeAsBefore(
  page: Page,
  { id: sessionId, key: sessionKey }: { id: string; key: string },
): Promise<void> {
  await page.evaluate(
    ({ id, key }) => {
      const kept = {
        id,
        key,
        title: 'A walk',
        balanceMsat: 500000,
        peakMsat: 500000,
        usedAt: '2026-11-24T12:00:00.000Z',
      };
      localStorage.setItem('timmy.sessions', JSON.stringify([kept]));
      localStorage.setItem(`timmy.draft.${id}`, 'half a thou');
    },
    { id: sessionId, key: sessionKey },
  );
}

test('keys and drafts of the version before are still there', async () => {
  const { page } = await visit();
  const session = await served.app.fund(500);
  await storeAsBefore(page, session);
  await page.reload();
  await page.locator('.session-title', { hasText: 'A walk' }).waitFor();
  await page.locator('.meter-balance', { hasText: '500 sats' }).waitFor();
  expect(await page.getByLabel(/^Message to/).inputValue()).toBe('half a thou');
  expect(await readKey(page)).toBe(session.key);
});

const PENDING_KEY = '0b8e6d0a-6f0e-4d0e-9a3b-1c2d3e4f5a6b';

async function storePending(page: Page, id: string, pending: object): Promise<void> {
  await page.evaluate(
    ([name, stored]) => localStorage.setItem(name!, stored!),
    [`timmy.pending.${id}`, JSON.stringify(pending)],
  );
}

async function expectPickedUp(page: Page, id: string, content: string): Promise<void> {
  await doneReplies(page).locator('.receipt', { hasText: 'tokens in' }).waitFor();
  expect(await page.locator('.bubble').allInnerTexts()).toEqual([content]);
  expect(await page.getByLabel(/^Message to/).inputValue()).toBe('half a thou');
  expect(await served.app.query('SELECT FROM session_requests WHERE session_id = $1', [id])).toHaveLength(1);
  await expect.poll(() => page.evaluate((name) => localStorage.getItem(name), `timmy.pending.${id}`)).toBeNull();
}

test('a pending turn of the version before that never arrived is sent', async () => {
  const { page } = await visit();
  const session = await served.app.fund(500);
  const content = 'script never arrived';
  script.when(content, { deltas: ['Coffee.'] });
  await storeAsBefore(page, session);
  await storePending(page, session.id, { idempotencyKey: PENDING_KEY, content, resumed: false, status: 'sending' });
  await page.reload();
  await expectPickedUp(page, session.id, content);
});

test.each([
  ['whose page did not hear that it began', false],
  ['that had begun', true],
])('a pending turn of the version before, %s, is waited for and paid once', async (_, begun) => {
  const { page } = await visit();
  const session = await served.app.fund(500);
  const content = `hold pending ${begun}`;
  hold(content);
  const answer = session.ask(content, { idempotencyKey: PENDING_KEY });
  const requests = () => served.app.query('SELECT id FROM session_requests WHERE session_id = $1', [session.id]);
  await expect.poll(requests).toHaveLength(1);
  const requestId = (await requests())[0]?.['id'];
  await storeAsBefore(page, session);
  const sent = { idempotencyKey: PENDING_KEY, content };
  await storePending(page, session.id, begun ? { ...sent, requestId } : { ...sent, resumed: false, status: 'sending' });
  await page.reload();
  await page.getByText('Timmy is still replying').waitFor();
  letGo(content);
  await answer;
  await expectPickedUp(page, session.id, content);
});

test('a failed turn of the version before can be sent again, and nothing is claimed of its charge', async () => {
  const { page } = await visit();
  const session = await served.app.fund(500);
  await storeAsBefore(page, session);
  const content = 'script failed before';
  script.when(content, { deltas: ['Now it works.'] });
  const pending = JSON.stringify({ idempotencyKey: 'b1e7', content, failed: true });
  await page.evaluate(([id, stored]) => localStorage.setItem(`timmy.pending.${id}`, stored!), [session.id, pending]);
  await page.reload();
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  expect(await page.locator('.failed-turn').innerText()).not.toMatch(/not charged|nothing was charged/i);
  await again.click();
  await doneReplies(page).locator('.md', { hasText: 'Now it works.' }).waitFor();
});
