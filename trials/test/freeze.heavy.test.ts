/** A few of the freezes, and proof that the trial notices a lock that spans two statements. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { call } from '../src/http.ts';
import { openFreezeTrial, type OpenFreezeTrial } from '../src/freeze/trial.ts';
import { heldRows } from '../src/freeze/hold-row.ts';
import { type Use, uses } from '../src/freeze/uses.ts';

const TIMEOUT_MS = 60_000;
const BLOCKED_MS = 15_000;

let trial: OpenFreezeTrial;

beforeAll(async () => {
  trial = await openFreezeTrial({ seed: 'test', blockedMs: BLOCKED_MS });
}, TIMEOUT_MS);
afterAll(() => trial[Symbol.asyncDispose]());

const use = (name: string): Use => uses.find((each) => each.name === name)!;

test.for(['before', 'inside', 'after'] as const)(
  'strangers go on while a server is frozen %s what forgets a conversation',
  { timeout: TIMEOUT_MS },
  async (place) => {
    const seen: string[] = [];
    await trial.run(
      {
        kind: 'frozen',
        use: { ...use('forgetting'), most: 1, needles: () => [Buffer.from('forget_messages')] },
        place,
      },
      (what) => seen.push(what),
    );
    expect(seen.join()).toContain('forget_messages');
    expect(trial.scene.violations.splice(0)).toEqual([]);
  },
);

test('strangers go on while somebody holds a session’s row', { timeout: TIMEOUT_MS }, async () => {
  const row = heldRows.find(({ name }) => name === 'a session’s row')!;
  await trial.run({ kind: 'held', row, heldMs: 4000 }, ({ length }) => expect(length).toBeGreaterThan(0));
  expect(trial.scene.violations.splice(0)).toEqual([]);
});

test('a lock that is held from one statement to the next is noticed', { timeout: TIMEOUT_MS }, async () => {
  const lockAndFreeze: Use = {
    name: 'two statements',
    most: 1,
    provoke: async ({ session }) => {
      const client = new pg.Client({ connectionString: trial.servers.gate.url, application_name: 'timmy-tower' });
      client.on('error', () => {});
      await client.connect();
      await client.query('BEGIN');
      await client.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
      await client.end();
    },
  };
  await trial.run({ kind: 'frozen', use: lockAndFreeze, place: 'after' }, () => {});
  const promises = trial.scene.violations.splice(0).map(({ promise }) => promise);
  expect(promises).toContain(`no backend is left blocked ${BLOCKED_MS / 1000} s later`);
});

test('the books are right afterwards, and the frozen server answers', { timeout: TIMEOUT_MS }, async () => {
  await trial.check();
  expect(trial.scene.violations.splice(0)).toEqual([]);
  expect(await call(trial.servers.frozen, '/healthz')).toMatchObject({ status: 200 });
});
