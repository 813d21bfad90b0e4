/** What is said comes back as it was, and gets into no log line. */
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';
import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';

import { RunningTurns } from '../src/sessions/running-turns.ts';
import type { TestSession } from './harness.ts';
import { openBeside, script, server, useServer } from './scripted-server.ts';

useServer();

let session: TestSession;
beforeAll(async () => {
  session = await server.fund(1_000_000);
});

test('a message of any characters comes back as it was sent', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), async (text) => {
      const content = `.${text.replaceAll('\0', '')}`.toWellFormed();
      const { status, body } = await session.ask(content, { body: { history: { maxMessages: 0 } } });
      expect([status, body.reply?.content]).toEqual([200, `Said: ${content}`]);
    }),
    { numRuns: 60 },
  );
});

test('no log line has a word of what was said, a key or a preimage, whatever went wrong', async () => {
  const secret = `plugh-${randomUUID()}`;
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const { db } = server.database;
  const own = await openBeside({
    deps: {
      log,
      runningTurns: new RunningTurns({ db, log, leaseMs: 15_000 }),
      modelTimeLimits: { silenceMs: 100, totalMs: 200 },
    },
  });
  const spoken = await own.open(1000);
  const { body: paid } = await own.call<{ preimage: string }>('/dev/wallet/pay', {
    json: { bolt11: spoken.invoice.bolt11 },
  });
  await own.call('/dev/wallet/pay', { json: { bolt11: `${spoken.invoice.bolt11}${secret}` } });
  const content = (n: number) => `${secret} ${n}`;
  script.when(content(1), (prompt) => ({ deltas: [prompt.message], error: new Error('the model is down') }));
  script.when(content(2), { deltas: [], hang: true });
  script.when(content(3), { deltas: [] });
  for (const n of [0, 1, 2, 3]) await spoken.ask(content(n), { idempotencyKey: `${secret}-${n}` });
  for (const body of [`{"content":"${secret}`, `{"content":"${secret}\\u0000"}`, `{"${secret}":1}`]) {
    await own.app.request(`/sessions/${spoken.id}/request`, {
      method: 'POST',
      headers: { authorization: `Bearer ${spoken.key}`, 'content-type': 'application/json' },
      body,
    });
  }
  await own.call(`/sessions/${spoken.id}?key=${spoken.key}`, { key: `tt_${secret}` });
  await own.call(`/sessions/${spoken.key}`, { key: spoken.key });
  await own.call(`/nowhere/${encodeURIComponent(`Bearer ${spoken.key}`)}`);
  // A database that fails in the middle of a turn quotes its parameters.
  await server.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no: %', NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON session_messages FOR EACH ROW EXECUTE FUNCTION refuse()`);
  const failed = await spoken.ask(content(4));
  await server.query('DROP TRIGGER refuse ON session_messages; DROP FUNCTION refuse');
  expect(failed.status).toBe(500);
  expect(JSON.stringify(failed.body)).not.toContain(secret);
  expect(await spoken.show()).toMatchObject({ heldMsat: 0 });
  await own.close();

  expect(logged.length).toBeGreaterThan(0);
  for (const line of logged) {
    for (const word of [secret, spoken.key.slice(3), paid.preimage]) {
      expect(line).not.toContain(word);
    }
  }
});
