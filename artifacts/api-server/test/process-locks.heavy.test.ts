/** Somebody keeps a session's lock and does not let go. Turns at that session are told so in time, and nobody else notices. */
import { beforeAll, expect, test } from 'vitest';

import { until } from './harness.ts';
import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { type ClientSession, fundSession } from './server-client.ts';
import { type ServerProcess } from './server-process.ts';

const POOL_SIZE = 7;

let server: ServerProcess;

useSurroundings();
beforeAll(async () => {
  server = await place.start({ DATABASE_URL: database.url, DATABASE_POOL_SIZE: String(POOL_SIZE), ...model.env });
});

const query = async <Row>(text: string, values: unknown[] = []) => {
  const { rows } = await database.db.$client.query(text, values);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each statement knows its own columns
  return rows as Row[];
};

/** Keeps a session's lock, as somebody at a console would, until `letGo`. */
const keepLocked = ({ id }: ClientSession) => keepRow(`sessions WHERE id = '${id}'`);

async function keepRow(row: string): Promise<() => Promise<void>> {
  const client = await database.db.$client.connect();
  await client.query(`BEGIN; SELECT FROM ${row} FOR UPDATE`);
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

/** When the statements of the server that wait for a lock were sent. */
const waitingSince = async () => {
  const rows = await query<{ at: string }>(
    `SELECT query_start::text AS at FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'timmy-tower%'`,
  );
  return rows.map(({ at }) => at);
};

const leaseEnd = async ({ id }: ClientSession) => {
  const [row] = await query<{ at: Date }>(
    `SELECT lease_expires_at AS at FROM session_requests WHERE session_id = $1 AND state = 'running'`,
    [id],
  );
  return row!.at.getTime();
};

test('thirty turns at a locked session are told when to come again, and a stranger’s turn goes on', async () => {
  const [stuck, stranger] = [await fundSession(server), await fundSession(server)];
  const asking = stranger.ask('Do you notice?');
  const turn = await model.called();
  const letGo = await keepLocked(stuck);
  const leaseBefore = await leaseEnd(stranger);
  let answered = false;
  const asked = Promise.all(Array.from({ length: 30 }, () => stuck.ask('Is anybody there?'))).finally(() => {
    answered = true;
  });
  let mostAtOnce = 0;
  await until(async () => (await waitingSince()).length > 0);
  const newcomer = await fundSession(server);
  const asksToo = newcomer.ask('May I come in?');
  const newTurn = await Promise.race([model.called(), asked.then(() => undefined)]);
  expect(newTurn).toBeDefined();
  await until(async () => {
    mostAtOnce = Math.max(mostAtOnce, (await waitingSince()).length);
    return answered;
  }, 60_000);
  // Fewer than there are connections: the others are there for everybody else.
  expect(mostAtOnce).toBeGreaterThan(0);
  expect(mostAtOnce).toBeLessThan(POOL_SIZE / 2);
  const answers = await asked;
  for (const { status, headers, body } of answers) {
    expect([status, headers.get('retry-after'), body['retryAfterSeconds']]).toEqual([503, '2', 2]);
  }
  expect(await leaseEnd(stranger)).toBeGreaterThan(leaseBefore);
  await until(async () => (await waitingSince()).length === 0);
  await turn.say('No.');
  turn.finish();
  expect(await asking).toMatchObject({ status: 200, body: { reply: { content: 'No.' } } });
  newTurn!.finish();
  expect((await asksToo).status).toBe(200);
  await letGo();
});

test('a turn whose row somebody keeps locked costs no other turn of this server its lease', async () => {
  const [stuck, other] = [await fundSession(server), await fundSession(server)];
  const askingStuck = stuck.ask('Am I stuck?');
  const stuckTurn = await model.called();
  const askingOther = other.ask('Am I free?');
  const otherTurn = await model.called();
  const letGo = await keepRow(`session_requests WHERE session_id = '${stuck.id}' AND state = 'running'`);
  const first = await leaseEnd(other);
  // Renewed while the row is locked, twice: not just by what was under way.
  await until(async () => (await leaseEnd(other)) > first);
  const second = await leaseEnd(other);
  await until(async () => (await leaseEnd(other)) > second);
  await letGo();
  for (const turn of [stuckTurn, otherTurn]) turn.finish();
  expect((await askingOther).status).toBe(200);
  expect((await askingStuck).status).toBe(200);
});

test('leases are renewed on a connection of their own', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Take your time');
  const turn = await model.called();
  const first = await leaseEnd(session);
  await until(async () => (await leaseEnd(session)) > first);
  const renewing = await query<{ name: string }>(
    `SELECT DISTINCT application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND query ~ '^update "session_requests" set "lease_expires_at"'`,
  );
  expect(renewing).toEqual([{ name: 'timmy-tower leases' }]);
  turn.finish();
  await asking;
});

test('a reply outlasts who keeps the session’s lock for longer than one statement waits', async () => {
  const session = await fundSession(server);
  const asking = session.ask('Keep this');
  const turn = await model.called();
  const letGo = await keepLocked(session);
  await turn.say('Kept.');
  turn.finish();
  const tries = new Set<string>();
  await until(async () => {
    for (const at of await waitingSince()) tries.add(at);
    return tries.size > 1;
  });
  await letGo();
  expect(await asking).toMatchObject({ status: 200, body: { reply: { content: 'Kept.' } } });
});
