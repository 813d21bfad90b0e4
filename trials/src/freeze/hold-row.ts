/** Somebody with a client of their own: `BEGIN; SELECT … FOR UPDATE`, and then lunch. */
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { call } from '../http.ts';
import { openFundedSession } from '../open-funded-session.ts';
import { topUp } from '../payments.ts';
import type { Random } from '../random.ts';
import { until } from '../recovery.ts';
import { checkBlocked, type FreezeTrial } from './freeze-inside.ts';
import { startStrangers, type StrangersReport } from './strangers.ts';
import { startVictims } from './victims.ts';

export interface HeldRow {
  readonly name: string;
  /** The session's id is $1. */
  readonly sql: string;
}

export const heldRows: readonly HeldRow[] = [
  { name: 'a session’s row', sql: 'SELECT FROM sessions WHERE id = $1 FOR UPDATE' },
  { name: 'a session’s key', sql: 'SELECT FROM session_keys WHERE session_id = $1 FOR UPDATE' },
  { name: 'a session’s requests', sql: 'SELECT FROM session_requests WHERE session_id = $1 FOR UPDATE' },
  { name: 'a session’s invoices', sql: 'SELECT FROM invoices WHERE session_id = $1 FOR UPDATE' },
  { name: 'a session’s messages', sql: 'SELECT FROM session_messages WHERE session_id = $1 FOR UPDATE' },
  {
    name: 'a message being appended',
    sql: 'UPDATE sessions SET message_count = message_count WHERE id = $1',
  },
];

/** Holds it for `heldMs` while strangers take turns at both servers, one of them a turn longer than a lease. */
export async function holdRow(
  trial: FreezeTrial,
  { row, heldMs, random }: { row: HeldRow; heldMs: number; random: Random },
): Promise<StrangersReport & { unblockedAfterMs: number }> {
  const { scene, servers, strangers } = trial;
  const session = await openFundedSession(scene, random);
  await topUp(scene, session, random);
  const both = [servers.frozen, servers.other];
  // One of its turns runs at each server in turn: what renews its lease comes by the row that is held.
  const say = (content: string) =>
    call(servers.other, `/sessions/${session.id}/request`, { key: session.key, body: JSON.stringify({ content }) });
  await say('Hello');
  const running = say(`[think ${heldMs + 1000}]`);
  await until(async () => (await scene.database.query(isRunning, [session.id])).length > 0, 3000);
  const [patient, ...others] = strangers;
  const busy = others.map((stranger, index) => ({ session: stranger, server: both[index % both.length]! }));
  const working = startStrangers(scene, busy, row.name);
  const longTurn = heldMs > 15_000 ? working.beginLongTurn(patient!, servers.other) : undefined;
  const held = await lock(scene.database.directUrl, row.sql, session.id);
  const victims = startVictims(scene, { session, servers: both, during: row.name });
  await delay(heldMs);
  await victims.stop();
  const unblockedAfterMs = await checkBlocked(trial, row.name);
  await held.end();
  await Promise.all([longTurn, running]);
  return { ...(await working.stop()), unblockedAfterMs };
}

const isRunning = `SELECT FROM session_requests WHERE session_id = $1 AND state = 'running'`;

async function lock(url: string, sql: string, sessionId: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'somebody’s client' });
  client.on('error', () => {}); // the statement that it breaks says so
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql, [sessionId]);
  return client;
}
