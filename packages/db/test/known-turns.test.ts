/** By what a turn is known again when its idempotency key comes a second time. */
import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { settleTurn } from '../src/end-turn.ts';
import { type IdempotentTurn, reserveTurn } from '../src/reserve-turn.ts';
import { endOf, fundedSession, newTurn, reserved, run } from './fixtures.ts';

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());

async function answeredTurn() {
  const session = await fundedSession(opened.db);
  const idempotency = { key: 'mine', bodyHash: randomBytes(32), saidHash: randomBytes(32) };
  const turn = await reserved(opened.db, session, { idempotency });
  await settleTurn(opened.db, endOf(turn));
  const askAgain = (changes: Partial<IdempotentTurn>) =>
    reserveTurn(opened.db, newTurn(session, { idempotency: { ...idempotency, ...changes } }));
  return { ...turn, askAgain };
}

test('what was said of a body is enough, whatever it means by now; what it means is enough, however it was said', async () => {
  const { requestId, askAgain } = await answeredTurn();
  expect(await askAgain({ bodyHash: randomBytes(32) })).toEqual({ outcome: 'replay', requestId });
  expect(await askAgain({ saidHash: randomBytes(32) })).toEqual({ outcome: 'replay', requestId });
  const other = { bodyHash: randomBytes(32), saidHash: randomBytes(32) };
  expect(await askAgain(other)).toEqual({ outcome: 'mismatch', requestId });
});

test('a request of a server that kept only what it meant is compared by that', async () => {
  const { requestId, askAgain } = await answeredTurn();
  await run(opened.db, 'UPDATE session_requests SET said_hash = NULL WHERE id = $1', [requestId]);
  expect(await askAgain({ saidHash: randomBytes(32) })).toEqual({ outcome: 'replay', requestId });
  expect(await askAgain({ bodyHash: randomBytes(32) })).toEqual({ outcome: 'mismatch', requestId });
});
