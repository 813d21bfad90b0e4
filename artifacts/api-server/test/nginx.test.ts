/** The server behind a real nginx: under a path of its, behind its password, spoken to in HTTP/1.0, and held back. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { StreamEvent } from '@timmy-tower/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type PageFile, readPage } from '../src/page.ts';
import { collect, createMessageScript, openTestApp, readEvents, type TestApp, type TestSession } from './harness.ts';
import { findNginx, openTestProxy, PROXY_PASSWORD, type TestProxy } from './nginx.ts';
import { type Listener, openListener } from './sockets.ts';

const ORIGIN = 'https://shop.example';
const WEB = fileURLToPath(new URL('../../web', import.meta.url));
const program = findNginx();
const script = createMessageScript();

describe.skipIf(program === undefined)('behind nginx', () => {
  let app: TestApp;
  let listener: Listener;
  let proxy: TestProxy;
  let session: TestSession;
  let page: readonly PageFile[];

  beforeAll(async () => {
    page = await buildPage();
    app = await openTestApp({ agent: script.agent, deps: { corsOrigins: [ORIGIN], page } });
    listener = await openListener(app.app);
    proxy = await openTestProxy(program!, listener.port);
    session = await app.fund();
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await listener.close();
    await app.close();
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(proxy.url + path, { headers });
  const ask = (base: string, content: string, headers: Record<string, string> = {}) =>
    fetch(`${base.startsWith('http') ? '' : proxy.url}${base}/sessions/${session.id}/request`, {
      method: 'POST',
      headers: { 'x-session-key': session.key, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ content }),
    });
  const stream = { accept: 'text/event-stream' };

  /** The page and whatever it loads. */
  async function load(url: string): Promise<[string, number][]> {
    const response = await fetch(url);
    const html = await response.text();
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!);
    const loaded = sources
      .filter((source) => !source.startsWith('data:'))
      .map(async (source): Promise<[string, number]> => {
        const at = new URL(source, response.url);
        return [at.pathname, (await fetch(at)).status];
      });
    return [[new URL(response.url).pathname, response.status], ...(await Promise.all(loaded))];
  }

  test.each(['/timmy/', '/timmy/docs'])('%s and all that it loads stays under the path of the proxy', async (path) => {
    const loaded = await load(proxy.url + path);
    expect(loaded.length).toBeGreaterThan(2);
    for (const [at, status] of loaded) expect([at, status]).toEqual([expect.stringMatching(/^\/timmy\//), 200]);
  });

  test('without a page, the way to the reference stays under it too', async () => {
    const bare = await openTestApp({ database: app.database, wallet: app.wallet, watch: false });
    const itsListener = await openListener(bare.app);
    await using itsProxy = await openTestProxy(program!, itsListener.port);
    const response = await fetch(`${itsProxy.url}/timmy/`);
    expect([new URL(response.url).pathname, response.status]).toEqual(['/timmy/docs', 200]);
    await itsListener.close();
    await bare.close();
  });

  test('the document says where the API is: beside itself', async () => {
    const response = await get('/timmy/openapi.json');
    const { servers } = JSON.parse(await response.text());
    expect(new URL(servers[0].url, response.url).pathname).toBe('/timmy/');
    expect((await get('/timmy/docs/start.js').then((answer) => answer.text())).includes("url: 'openapi.json'")).toBe(
      true,
    );
  });

  test('a password of its own and a session key go together', async () => {
    const { user, password } = PROXY_PASSWORD;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const show = `/guarded/sessions/${session.id}`;
    expect((await get(show, { 'x-session-key': session.key })).status).toBe(401); // nginx's
    expect((await get(show, { authorization, 'x-session-key': session.key })).status).toBe(200);
    const without = await get(show, { authorization });
    expect([without.status, await without.json()]).toMatchObject([401, { code: 'unauthorized' }]);
    expect((await ask('/guarded', 'hello', { authorization })).status).toBe(200);
  });

  test.each([
    ['spoken to in HTTP/1.0', () => '/timmy'],
    ['through the example of the operators’ page', () => proxy.documentedUrl],
  ])('a turn’s stream comes as it is said, %s', async (how, base) => {
    const gate = Promise.withResolvers<void>();
    script.when(how, { deltas: ['Once ', gate.promise, 'upon a time'] });
    const response = await ask(base(), how, stream);
    const events = readEvents(response.body!);
    const next = async (): Promise<StreamEvent | undefined> => (await events.next()).value ?? undefined;
    expect(await next()).toMatchObject({ event: 'start' });
    expect(await next()).toMatchObject({ event: 'delta', data: { text: 'Once ' } });
    gate.resolve(); // what came so far was there before the end
    expect((await collect(events)).at(-1)).toMatchObject({ event: 'done' });
  });

  test.each([
    ['comes as it is said, spoken to in HTTP/1.0', '/timmy', '{"text":"Once "}'],
    ['that is held back comes whole', '/holding', ''],
  ])('a joined reply %s', async (how, base, soFar) => {
    const gate = Promise.withResolvers<void>();
    script.when(how, { deltas: ['Once ', gate.promise, 'upon a time'] });
    const own = readEvents((await ask('/timmy', how, stream)).body!);
    const { value: start } = await own.next();
    if (start?.event !== 'start') throw new Error('it has not begun');
    const path = `${base}/sessions/${session.id}/requests/${start.data.requestId}`;
    const asked = get(path, { ...stream, 'x-session-key': session.key });
    if (soFar === '') gate.resolve();
    const body = (await asked).body!.pipeThrough(new TextDecoderStream());
    let received = '';
    for await (const chunk of body) {
      received += chunk;
      if (received.includes(soFar)) gate.resolve(); // what came so far was there before the end
    }
    expect(received).toMatch(/^event: start\n[^]*event: done\ndata: .*\n\n$/);
    expect((await collect(own)).at(-1)).toMatchObject({ event: 'done' });
  });

  test('a session’s events come as they happen', async () => {
    const response = await get(`/timmy/sessions/${session.id}/events`, { 'x-session-key': session.key });
    const events = readEvents(response.body!);
    const first: { event: string } | undefined = (await events.next()).value ?? undefined;
    expect(first?.event).toBe('session');
    await session.ask('hello');
    const second = await events.next();
    expect(second.done).toBe(false);
    await events.return(undefined);
  });

  test('a stream that is held back comes whole', async () => {
    const events = await collect(readEvents((await ask('/holding', 'hello', stream)).body!));
    expect([events.at(0)?.event, events.at(-1)?.event]).toEqual(['start', 'done']);
  });

  test('a page of another origin may call, and reads failures as well', async () => {
    const preflight = await fetch(`${proxy.url}/timmy/sessions/${session.id}/request`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-session-key',
      },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-session-key');
    const failed = await get('/timmy/nowhere', { origin: ORIGIN });
    expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([404, ORIGIN]);
  });

  test.each([600_000, 3_000_000])('a body of %i bytes is answered 413 by the server', async (size) => {
    for (let n = 0; n < 5; n += 1) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await ask('/timmy', 'x'.repeat(size));
      // oxlint-disable-next-line no-await-in-loop
      expect([response.status, await response.json()]).toMatchObject([413, { code: 'payload-too-large' }]);
    }
  });
});

/** The page as it is built, but where nobody else looks for it. */
async function buildPage(): Promise<readonly PageFile[]> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-page-'));
  const vite = join(WEB, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', '--logLevel', 'error', '--emptyOutDir', '--outDir', directory];
  await promisify(execFile)(process.execPath, args, { cwd: WEB });
  const page = await readPage(directory);
  await rm(directory, { recursive: true });
  return page!;
}
