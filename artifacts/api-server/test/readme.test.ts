import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { serve } from '@hono/node-server';
import { createDemoAgent } from '@timmy-tower/agent';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp } from './harness.ts';

const readme = await readFile(fileURLToPath(new URL('../../../README.md', import.meta.url)), 'utf8');

let app: TestApp;
let server: Server;
let url: string;
beforeAll(async () => {
  app = await openTestApp({ agent: createDemoAgent({ delayMs: 0 }) });
  server = serve({ fetch: app.app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP port
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await app.close();
});

test('the curl tour works as it is pasted', async () => {
  const tour = /<!-- tour -->([\s\S]*)<!-- \/tour -->/.exec(readme)![1]!;
  const blocks = [...tour.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!);
  expect(blocks).toHaveLength(5);
  const script = blocks.join('echo; echo ==\n').replace('http://127.0.0.1:3000', url);

  const { stdout } = await promisify(execFile)('bash', ['-c', script]);

  const [opened, paid, asked, streamed, forgotten] = stdout.split('\n==\n');
  expect(opened).toMatch(/^lnbcrt10u1/);
  expect(paid).toContain('"preimage"');
  expect(paid).toContain('"status":"active","balanceMsat":1000000');
  expect(asked).toMatch(/1\. .*2\. .*Step 2/s);
  expect(asked).toMatch(/"leastMsat":\d+,"holdMsat":\d+/);
  expect(streamed).toMatch(/event: start[\s\S]*event: delta[\s\S]*event: done[\s\S]*How do I brew coffee\?/);
  expect(forgotten).toContain('what did I ask first?');
  expect(forgotten).toMatch(/"kind":"charge","amountMsat":-\d+/);
  expect(stdout).not.toContain('/problems/');
});

test('the test command is the one that CI runs', async () => {
  expect(readme).toContain('\nnpx -y pnpm@12 test\n');
  const { scripts } = JSON.parse(
    await readFile(fileURLToPath(new URL('../../../package.json', import.meta.url)), 'utf8'),
  );
  expect(scripts.test).toBe('node scripts/preflight.mjs && vitest run');
  expect(scripts.check.endsWith('&& vitest run')).toBe(true);
});
