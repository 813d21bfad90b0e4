import { afterAll, beforeAll, expect, test } from 'vitest';

import { settlePayment } from '../src/sessions/settlement.ts';
import { openTestApp, type TestApp } from './harness.ts';
import { statementsDuring } from './statements.ts';

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ watch: false });
});
afterAll(() => server.close());

test('a turn costs exactly two statements, streamed or not, with or without an idempotency key', async () => {
  const session = await server.open();
  await server.wallet.pay(session.invoice.bolt11);
  await settlePayment(server.deps, session.invoice.paymentHash);

  // A key that was not seen to open a paid session for a minute is looked up first, before the body is read.
  const first = await statementsDuring(server, () => session.ask('one'));
  expect(first).toEqual([expect.stringContaining('from "session_keys"'), 'reserve_turn', 'settle_turn']);
  expect(await statementsDuring(server, () => session.ask('two', { idempotencyKey: 'a' }))).toEqual([
    'reserve_turn',
    'settle_turn',
  ]);
  const streamed = await statementsDuring(server, async () => Array.fromAsync(await session.stream('three')));
  expect(streamed).toEqual(['reserve_turn', 'settle_turn']);
  expect((await session.call<{ messages: unknown[] }>('/messages')).body.messages).toHaveLength(6);
});
