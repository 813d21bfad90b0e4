/** The server behind a real PgBouncer in transaction mode, with one beside it that is not. */
import { listDiscrepancies } from '@timmy-tower/db';
import { findPgBouncer, openTestPooler, type TestPooler } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { type ClientSession, fundSession } from './server-client.ts';
import { openPlace, type ServerProcess } from './server-process.ts';

const program = findPgBouncer();
const SESSIONS = 10;
const TURNS = 64;

describe.skipIf(!program)('behind a pooler', () => {
  let pooler: TestPooler;
  let server: ServerProcess;

  useSurroundings();
  beforeAll(async () => {
    pooler = await openTestPooler(program!, database.url);
    model.answer((call) => {
      void call.say('So it is.').then(() => call.finish());
    });
    server = await place.start({ DATABASE_URL: pooler.url, DATABASE_POOLER: 'transaction', ...model.env });
  });
  afterAll(() => pooler[Symbol.asyncDispose]());

  test('64 turns, ten at once, are all answered, and the books balance', async () => {
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => fundSession(server)));
    const statuses: number[] = [];
    let asked = 0;
    const takeTurns = async (session: ClientSession) => {
      while (asked < TURNS) {
        asked += 1;
        // oxlint-disable-next-line no-await-in-loop -- one turn at a time in a conversation
        statuses.push((await session.ask(`Is it so? ${asked}`)).status);
      }
    };
    await Promise.all(sessions.map(takeTurns));
    expect(statuses).toEqual(Array.from({ length: TURNS }, () => 200));
    expect(await listDiscrepancies(database.db)).toEqual([]);
  });

  test('what its role lacks is in the log, with the statement that sets it', () => {
    const told = server.log().map(({ msg }) => msg);
    expect(told).toContainEqual(
      expect.stringMatching(/^lock_timeout is 0 .* ALTER ROLE \w+ IN DATABASE \w+ SET lock_timeout/),
    );
  });

  test('no lock is left behind, so that one starts straight at the database beside it', async () => {
    const locks = `SELECT FROM pg_locks WHERE locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    expect((await database.db.$client.query(locks)).rowCount).toBe(0);
    await using elsewhere = await openPlace();
    const beside = await elsewhere.start({ DATABASE_URL: database.url, ...model.env });
    const session = await fundSession(beside);
    expect((await session.on(server).ask('Are you two?')).status).toBe(200);
    expect((await session.ask('Are you one?')).status).toBe(200);
  });

  test('without being told so it does not start, and says which setting tells it', async () => {
    const { code, text } = await place.run({ DATABASE_URL: pooler.url, ...model.env });
    expect(code).toBe(1);
    expect(text).toContain('DATABASE_POOLER=transaction');
  });
});
