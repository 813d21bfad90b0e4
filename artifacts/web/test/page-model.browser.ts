/** What the page makes of how models think, end and fail. */
import { AppError } from '@timmy-tower/contract';
import { expect, test } from 'vitest';

import { createHoldableAgent, doneReplies, fund, say, usePage } from './browser.ts';

const { agent, script } = createHoldableAgent();
const served = usePage(() => ({ agent }));

test('thoughts are folded while the reply comes, can be read, and are gone with it', async () => {
  const { page } = await served.visit();
  await fund(page, 1000);
  const gate = Promise.withResolvers<void>();
  script.when('script thoughts', { deltas: [{ reasoning: 'First, the water.' }, gate.promise, 'Heat it.'] });
  await say(page, 'script thoughts');
  const thoughts = page.locator('details.thoughts');
  await thoughts.waitFor();
  expect(await page.getByText('First, the water.').isVisible()).toBe(false);
  await thoughts.locator('summary').click();
  await page.getByText('First, the water.').waitFor();
  gate.resolve();
  const reply = doneReplies(page).first();
  await reply.locator('.receipt', { hasText: 'of them thinking' }).waitFor();
  expect(await reply.locator('.md').innerText()).toBe('Heat it.');
  expect(await page.getByText('First, the water.').count()).toBe(0);
});

test('a reply without a word says so, with what it cost', async () => {
  const { page } = await served.visit();
  await fund(page, 1000);
  script.when('script silence', { finish: 'length', usage: { inputTokens: 40, outputTokens: 64 } });
  await say(page, 'script silence');
  const reply = doneReplies(page).first();
  await reply.locator('.receipt', { hasText: 'Ended without a word' }).waitFor();
  await reply.getByText('Nothing was said.').waitFor();
});

test.each([
  ['agent-busy', 'The model is busy', true],
  ['agent-unavailable', 'The model is out of order', true],
  ['agent-failed', 'The model failed', true],
  ['agent-refused', 'The model refuses this request', false],
] as const)('%s: what happened, that nothing was charged, and what can be done', async (code, title, again) => {
  const { page } = await served.visit();
  await fund(page, 1000);
  script.when('script failure', { error: new AppError(code, `${title}. Here is what helps.`) });
  await say(page, 'script failure');
  const alert = page.getByRole('alert');
  await alert.getByText(title).waitFor();
  expect(await alert.innerText()).toContain(
    `${title}. Here is what helps. Nothing was stored, and nothing was charged.`,
  );
  expect(await alert.getByRole('button', { name: 'Try again' }).count()).toBe(again ? 1 : 0);
  expect(await alert.getByRole('button', { name: 'Edit the message' }).count()).toBe(1);
});
