/** Wallets and clipboards that do not do as they are told, and what a thumb on a phone needs. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { usePage } from './browser.ts';

const served = usePage();

test('a browser wallet whose window was closed can be asked again, and it says what is waited for', async () => {
  const { page } = await served.visit();
  await page.addInitScript(() => {
    let asked = 0;
    Object.assign(globalThis, {
      webln: {
        enable: async () => {},
        sendPayment: async (bolt11: string) => {
          asked += 1;
          // Its window was closed: it never says so.
          if (asked === 1) await new Promise(() => {});
          if (asked === 2) throw new Error('declined');
          const headers = { 'content-type': 'application/json' };
          return fetch('/dev/wallet/pay', { method: 'POST', headers, body: JSON.stringify({ bolt11 }) });
        },
      },
    });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  const button = page.getByRole('button', { name: 'Pay with browser wallet' });
  await button.click();
  await page.getByText('Waiting for the browser wallet').waitFor();
  await button.click();
  await page.getByText('The browser wallet did not pay').waitFor();
  await button.click();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
});

/** @returns what is selected in the field that has the focus */
const selected = (page: Page) =>
  page.evaluate(() => {
    const field = document.activeElement;
    if (!(field instanceof HTMLTextAreaElement)) return '';
    return field.value.slice(field.selectionStart, field.selectionEnd);
  });

const refusals: readonly (readonly [string, () => void])[] = [
  [
    'refuses',
    () => {
      navigator.clipboard.writeText = async () => {
        throw new DOMException('no', 'NotAllowedError');
      };
    },
  ],
  ['is missing', () => Object.defineProperty(navigator, 'clipboard', { value: undefined })],
];

test.each(refusals)('a clipboard that %s: the old way copies', async (_, refuse) => {
  const { page } = await served.visit();
  await page.addInitScript(refuse);
  await page.reload();
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Copy the invoice' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const invoice = await page.getByLabel('The invoice', { exact: true }).inputValue();
  await page.evaluate(() => document.body.append(document.createElement('textarea')));
  await page.locator('body > textarea').focus();
  await page.keyboard.press('Control+V');
  expect(await page.locator('body > textarea').inputValue()).toBe(invoice);
});

test.each(refusals)('a clipboard that %s, and no old way: invoice and key are there, selected', async (_, refuse) => {
  const { page } = await served.visit();
  await page.addInitScript(refuse);
  await page.addInitScript(() => {
    document.execCommand = () => false;
  });
  await page.reload();
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  const link = await page.getByRole('link', { name: 'Open in a wallet' }).getAttribute('href');
  const invoice = link!.replace('lightning:', '');
  expect(await page.getByLabel('The invoice', { exact: true }).inputValue()).toBe(invoice);
  await page.getByRole('button', { name: 'Copy the invoice' }).click();
  await page.getByText('copy it by hand').waitFor();
  expect(await selected(page)).toBe(invoice);
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('button', { name: 'Copy session key' }).click();
  await page.getByText('copy it by hand').waitFor();
  expect(await selected(page)).toMatch(/^tt_[\w-]{64}$/);
});

test('on a phone no field makes the page zoom when it is touched', async () => {
  const { page } = await served.visit({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const sizes = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('input, textarea, select')].map((field) =>
        Number.parseFloat(getComputedStyle(field).fontSize),
      ),
    );
  const expectReadable = async (least: number) => {
    const all = await sizes();
    expect(all.length).toBeGreaterThanOrEqual(least);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(16);
  };
  await page.getByRole('button', { name: 'Open with a key' }).waitFor();
  await expectReadable(2);
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).waitFor();
  await expectReadable(2);
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
  await expectReadable(3);
});
