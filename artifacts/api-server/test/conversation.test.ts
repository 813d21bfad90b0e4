import { createDemoAgent } from '@timmy-tower/agent';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp } from './harness.ts';

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ agent: createDemoAgent({ delayMs: 0 }) });
});
afterAll(() => server.close());

test('a funded session remembers: a plan, about its step 2, shorter', async () => {
  const session = await server.fund(1000);
  const plan = (await session.ask('How do I brew coffee?')).body.reply!.content;
  expect(plan).toMatch(/^1\. .+\n2\. .+\n3\. /m);
  const step2 = /^2\. (\w+)/m.exec(plan)![1]!;

  const explained = (await session.ask('explain step 2')).body.reply!.content;
  expect(explained).toContain('Step 2');
  expect(explained).toContain(step2);

  const shorter = await session.ask('make it shorter');
  expect(shorter.body.reply!.content.length).toBeLessThan(explained.length);
  expect(shorter.body.history).toMatchObject({ messages: 4, dropped: 0 });
});

test('the same in another session: there is nothing to shorten', async () => {
  const session = await server.fund(1000);
  const answer = await session.ask('make it shorter');
  expect(answer.body.reply!.content).toMatch(/nothing to shorten/i);
  expect(answer.body.history.messages).toBe(0);
});
