/** Databases as others have set them. In each, everything that we do comes to the same. A further habit is one more row. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase } from '../src/open.ts';
import { openTestDatabase, type TestDatabase } from '../src/testing.ts';
import { createForeignDatabase, type ForeignHabits } from './foreign-database.ts';
import { liveThrough, rememberAlone, WORDS } from './whole-life.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await openTestDatabase();
});
afterAll(() => server.close());

const tablesOfOthers = `CREATE SCHEMA theirs;
  CREATE TABLE theirs.sessions (id uuid, theirs text); CREATE TABLE theirs.session_messages (session_id uuid, theirs text)`;

test.each<[string, ForeignHabits]>([
  ['nothing in particular', {}],
  ['German dates', { settings: { datestyle: 'German' } }],
  ['German dates, by its role', { settings: { datestyle: 'German' }, of: 'role' }],
  ['German dates, by its role in this database', { settings: { datestyle: 'German' }, of: 'role in database' }],
  ['dates with the day first', { settings: { datestyle: `'SQL, DMY'` } }],
  ['PostgreSQL’s old dates', { settings: { datestyle: 'Postgres' } }],
  ['intervals of the standard', { settings: { intervalstyle: 'sql_standard' } }],
  ['verbose intervals', { settings: { intervalstyle: 'postgres_verbose' } }],
  ['a time zone with a quarter of an hour', { settings: { timezone: `'Asia/Kathmandu'` } }],
  ['a time zone that is behind', { settings: { timezone: `'America/St_Johns'` } }],
  ['transactions that are serializable', { settings: { default_transaction_isolation: 'serializable' } }],
  ['transactions with one snapshot', { settings: { default_transaction_isolation: `'repeatable read'` } }],
  ['tables of others first in the path', { before: tablesOfOthers, settings: { search_path: 'theirs, public' } }],
  ['a path that leads elsewhere', { before: tablesOfOthers, settings: { search_path: 'theirs' } }],
  ['strings with backslashes', { settings: { standard_conforming_strings: 'off' } }],
  ['a client encoding of its own', { settings: { client_encoding: 'LATIN1' } }],
  ['bytes as escapes', { settings: { bytea_output: 'escape' } }],
  ['short floats', { settings: { extra_float_digits: '-15' } }],
  ['plans for every call', { settings: { plan_cache_mode: 'force_custom_plan' } }],
  ['every plan compiled', { settings: { jit: 'on', jit_above_cost: '0', jit_optimize_above_cost: '0' } }],
  ['= NULL that means IS NULL', { settings: { transform_null_equals: 'on' } }],
  ['commits that do not wait for the disk', { settings: { synchronous_commit: 'off' } }],
  ['row security off', { settings: { row_security: 'off' } }],
  ['another way to sort', { created: `TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'` }],
])('in a database with %s, a whole life of a session comes to what it should', async (_name, habits) => {
  await using foreign = await createForeignDatabase(server.url, habits);
  const { db, close } = await openDatabase(foreign.url, { timeLimits: true });
  expect(await liveThrough(db)).toEqual(WORDS);
  expect(await rememberAlone(db, foreign.url)).toEqual(['the last word', 9]);
  await close();
});
