import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestDatabase, type TestDatabase } from './testing.ts';
import { TIME_LIMITS_MS } from './time-limits.ts';
import { inTransaction, withRetry } from './transaction.ts';

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());

const refuseAs = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${code}'; END $$`;

/** Counts how often `run` is tried before it is given up, and how long that took. */
async function untilGivenUp(code: string, attempt: (again: () => void) => Promise<unknown>) {
  const startedAt = performance.now();
  let attempts = 0;
  const error = await attempt(() => (attempts += 1)).then(
    () => expect.fail('it went well'),
    (refusal: unknown) => refusal,
  );
  expect(error).toMatchObject({ code: 'unavailable', fields: { retryAfterSeconds: 2 }, cause: { code } });
  return { attempts, ms: performance.now() - startedAt };
}

// Without pauses there would be thousands of attempts; with pauses that do not grow, hundreds.
test.concurrent.each(['40001', '40P01'])(
  'a transaction that meets %s is tried again after pauses that grow, and in the end is unavailable',
  async (code) => {
    const { attempts, ms } = await untilGivenUp(code, (again) =>
      inTransaction(opened.db, async (tx) => {
        again();
        await tx.execute(refuseAs(code));
      }),
    );
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(100);
    expect(ms).toBeLessThan(2 * TIME_LIMITS_MS.statement);
  },
);

test.concurrent('a statement alone is tried again likewise', async () => {
  const { attempts } = await untilGivenUp('40001', (again) =>
    withRetry(opened.db, async () => {
      again();
      await opened.db.execute(refuseAs('40001'));
    }),
  );
  expect(attempts).toBeGreaterThan(5);
  expect(attempts).toBeLessThan(100);
});
