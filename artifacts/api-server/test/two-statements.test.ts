import { afterAll, beforeAll, expect, test } from 'vitest';

import { settlePayment } from '../src/sessions/settlement.ts';
import { openTestApp, type TestApp } from './harness.ts';

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ watch: false });
});
afterAll(() => server.close());

/** What is sent to the database while `run` runs, BEGIN and COMMIT included, as each connection is handed it. */
async function statementsDuring(run: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const pool = server.deps.db.$client;
  const restore: Array<() => void> = [];
  const watched = new Set<unknown>();
  const watch = (client: { query: (...args: never[]) => unknown }) => {
    if (watched.has(client)) return;
    watched.add(client);
    const query = client.query.bind(client);
    client.query = (...args: never[]) => {
      const [first]: readonly unknown[] = args;
      statements.push(typeof first === 'string' ? first : String(Object(first).name ?? Object(first).text));
      return query(...args);
    };
    restore.push(() => (client.query = query));
  };
  pool.on('acquire', watch);
  await run();
  pool.off('acquire', watch);
  for (const undo of restore) undo();
  return statements;
}

test('a turn costs exactly two statements, streamed or not, with or without an idempotency key', async () => {
  const session = await server.open();
  await server.wallet.pay(session.invoice.bolt11);
  await settlePayment(server.deps, session.invoice.paymentHash);

  expect(await statementsDuring(() => session.ask('one'))).toEqual(['reserve_turn', 'settle_turn']);
  expect(await statementsDuring(() => session.ask('two', { idempotencyKey: 'a' }))).toEqual([
    'reserve_turn',
    'settle_turn',
  ]);
  const streamed = await statementsDuring(async () => Array.fromAsync(await session.stream('three')));
  expect(streamed).toEqual(['reserve_turn', 'settle_turn']);
  expect((await session.call<{ messages: unknown[] }>('/messages')).body.messages).toHaveLength(6);
});
