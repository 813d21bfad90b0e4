/** That a conversation's messages changed is told to all who read its session's events, whoever changed them. */
import { appendMessage, inTransaction } from '@timmy-tower/db';
import { expect, test } from 'vitest';

import { openTestApp, type TestSession } from './harness.ts';
import { cancel, runningIn, script, server, useServer } from './scripted-server.ts';
import { watch } from './watchers.ts';

useServer();

const forget = (session: TestSession) => session.call('/messages', { method: 'DELETE' });

test('what another tab said is told, also where it costs nothing', async () => {
  const free = { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n };
  const gratis = await openTestApp({
    agent: script.agent,
    database: server.database,
    wallet: server.wallet,
    deps: { prices: free },
    watch: false,
  });
  const session = await server.fund();
  const { nextMessages, leave } = await watch(server, session);
  const said = nextMessages();
  const { status } = await gratis.call(`/sessions/${session.id}/request`, {
    key: session.key,
    json: { content: 'hello' },
  });
  expect([status, await said]).toEqual([200, session.id]);
  await leave();
  await gratis.close();
});

test('forgetting is told, and telling it is enough to see that nothing is left', async () => {
  const session = await server.fund();
  await session.ask('hello');
  const { nextMessages, leave } = await watch(server, session);
  const told = nextMessages();
  await forget(session);
  expect(await told).toBe(session.id);
  expect((await session.call('/messages')).body).toMatchObject({ messages: [] });
  await leave();
});

test('forgetting and saying as many again between two looks is told', async () => {
  const session = await server.fund();
  await session.ask('hello');
  const { nextMessages, leave } = await watch(server, session);
  const told = nextMessages();
  await forget(session);
  await session.ask('hello');
  expect(await told).toBe(session.id);
  await leave();
});

test.each<[string, (session: TestSession) => Promise<unknown>]>([
  [
    'a turn that is cancelled',
    async (session) => {
      script.when('stop me', { deltas: ['Well'], hang: true });
      const asking = session.ask('stop me');
      await cancel(session, await runningIn(session));
      return asking;
    },
  ],
  [
    'a message that is appended past the API',
    ({ id: sessionId }) =>
      inTransaction(server.deps.db, (tx) => appendMessage(tx, { sessionId, role: 'user', content: 'x' })),
  ],
])('%s is told', async (_, change) => {
  const session = await server.fund();
  const { nextMessages, leave } = await watch(server, session);
  const told = nextMessages();
  await change(session);
  expect(await told).toBe(session.id);
  await leave();
});

test('a turn that fails, a payment and an invoice are told as the session alone', async () => {
  script.when('fail', { error: new Error('gone') });
  const session = await server.fund();
  const events: string[] = [];
  const { next, nextWith, nextMessages, leave } = await watch(server, session, (event) => events.push(event));
  await next();
  expect((await session.ask('fail')).status).toBe(502);
  const { body } = await session.call<{ invoice: { bolt11: string } }>('/topup', { json: { amountSats: 50 } });
  await server.wallet.pay(body.invoice.bolt11);
  await nextWith(({ balanceMsat }) => balanceMsat === 1_050_000);
  expect(events).not.toContain('messages');
  const told = nextMessages();
  await session.ask('hello');
  expect(await told).toBe(session.id);
  await leave();
});
