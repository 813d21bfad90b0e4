/** The page for tests: the whole app on a port of its own, and a Chromium that notes everything that goes wrong in it. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { fileURLToPath } from 'node:url';

import { serve } from '@hono/node-server';
import { type Agent, createDemoAgent } from '@timmy-tower/agent';
import { readPage } from '@timmy-tower/api-server/page.ts';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

import { createMessageScript, openTestApp, type TestApp, type TestAppOptions } from '../../api-server/test/harness.ts';

const PAGE_DIRECTORY = fileURLToPath(new URL('../dist', import.meta.url));

export interface ServedApp extends TestApp {
  readonly url: string;
}

export async function serveApp({ deps, ...options }: TestAppOptions = {}): Promise<ServedApp> {
  const page = await readPage(PAGE_DIRECTORY);
  if (!page) throw new Error('The page is not built: run `pnpm build`.');
  const app = await openTestApp({ ...options, deps: { ...deps, page } });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- plain HTTP, a TCP port
  const server = serve({ fetch: app.app.fetch, port: 0, hostname: '127.0.0.1' }) as Server & {
    closeAllConnections(): void;
  };
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  return {
    ...app,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await app.close();
    },
  };
}

/** The demo agent, except for what a test scripts: `hold …` begins its reply and goes on when it is let go. */
export function createHoldableAgent({ delayMs = 2 } = {}) {
  const demo = createDemoAgent({ delayMs });
  const script = createMessageScript();
  const held = new Map<string, PromiseWithResolvers<void>>();
  const isScripted = (message: string) => held.has(message) || message.startsWith('script ');
  return {
    script,
    agent: {
      ...demo,
      reply: (...[prompt, options]: Parameters<Agent['reply']>) =>
        (isScripted(prompt.message) ? script.agent : demo).reply(prompt, options),
    },
    hold: (message: string): void => {
      const gate = Promise.withResolvers<void>();
      held.set(message, gate);
      script.when(message, { deltas: ['The beginning, ', gate.promise, 'and the end.'] });
    },
    letGo: (message: string) => held.get(message)?.resolve(),
  };
}

export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Console errors, uncaught errors, and requests to anywhere but the server. */
  readonly faults: string[];
}

/** Someone with a browser of their own: its storage is empty. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  // Only pages that are secure can be granted anything.
  if (url.startsWith('http://127.0.0.1')) {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  }
  // A busy machine is slow; nothing is waited for longer than it takes.
  context.setDefaultTimeout(45_000);
  const page = await context.newPage();
  const faults = noteFaults(page, url);
  await page.goto(url);
  return { context, page, faults };
}

/** What Chromium itself notes: answers of 400 and above, which are for the page to handle, and a header that plain HTTP cannot have. */
const ofChromium = ['Failed to load resource', 'The Cross-Origin-Opener-Policy header has been ignored'];

export function noteFaults(page: Page, url: string): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !ofChromium.some((note) => text.startsWith(note))) faults.push(text);
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    const there = request.url();
    if (!there.startsWith(url) && !there.startsWith('blob:')) faults.push(`a request to ${there}`);
    if (there.includes('tt_')) faults.push('a key in a URL');
  });
  return faults;
}

interface Way {
  /** What Chromium is started with. */
  readonly args?: readonly string[];
  /** Where the app is reached: by another name, or through a proxy. */
  readonly openTo?: (url: string) => Promise<{ readonly url: string; close(): Promise<void> }>;
}

const straight = async (url: string) => ({ url, close: async () => {} });

/** For a file of tests: one app and one Chromium; after each test its visitors leave, and nothing may have gone wrong in them. */
export function usePage(
  createOptions: () => TestAppOptions | Promise<TestAppOptions> = () => ({}),
  { args = [], openTo = straight }: Way = {},
) {
  const visitors: Visitor[] = [];
  let app: ServedApp | undefined;
  let browser: Browser | undefined;
  let way: { readonly url: string; close(): Promise<void> } | undefined;
  const theApp = (): ServedApp => {
    if (!app) throw new Error('the app is not up');
    return app;
  };
  beforeAll(async () => {
    app = await serveApp(await createOptions());
    way = await openTo(app.url);
    browser = await launchChromium(args);
  });
  afterEach(async () => {
    const faults = visitors.flatMap((visitor) => visitor.faults);
    await Promise.all(visitors.splice(0).map(({ context }) => context.close()));
    expect(faults).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await way?.close();
    await app?.close();
  });
  return {
    get app() {
      return theApp();
    },
    visit: async (options?: BrowserContextOptions): Promise<Visitor> => {
      if (!browser || !way) throw new Error('the browser is not up');
      const visitor = await visit(browser, way.url, options);
      visitors.push(visitor);
      return visitor;
    },
  };
}

/** From the start screen to a funded, empty conversation. */
export async function fund(page: Page, sats?: number): Promise<void> {
  if (sats !== undefined) await page.getByLabel('Or any amount').fill(String(sats));
  await page.getByRole('button', { name: 'Show the invoice' }).click();
  await page.getByRole('button', { name: 'Pay with the test wallet' }).click();
  await page.getByRole('heading', { name: /^Say something to/ }).waitFor();
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel(/^Message to/).fill(text);
  await page.keyboard.press('Enter');
}

/** The replies that are there and done. */
export const doneReplies = (page: Page) => page.locator('.message-reply:not([aria-busy=true])');

export async function ask(page: Page, text: string): Promise<string> {
  const before = await doneReplies(page).count();
  await say(page, text);
  const reply = doneReplies(page).nth(before);
  await reply.locator('.receipt', { hasText: 'tokens in' }).waitFor();
  return reply.locator('.md').innerText();
}
