/** getSessionHistory against the bare SELECT of the same rows, and whether it stays flat as the table grows. */
import { getSessionHistory } from '@timmy-tower/db';
import type pg from 'pg';

import { fillMessages } from './fill.ts';
import { openLargeDatabase } from './large-database.ts';
import { compare, type Measurement } from './measurement.ts';
import { type BenchDatabase, connectForReads } from './postgres.ts';
import { alternate, type Contender, cycle, timeCalls } from './rounds.ts';

const MAX_MESSAGES = 8;
const TOKEN_BUDGET = 4000;
const FLOOR_BAR = 1.25;
const FLAT_BAR = 1.3;

export const history: Measurement = {
  name: 'history',
  title: 'getSessionHistory (8 messages of 300 characters), one call after the other',
  async run({ server, quick, progress }) {
    await using small = await server.openDatabase('small');
    const smallSessions = await fillMessages(small.bare, { sessions: 10, longSession: 0 });
    const large = await openLargeDatabase({ server, quick, progress });
    const [rows, longRows] = quick ? ['6,000', '1,000'] : ['1,000,000', '100,000'];
    const calls = quick ? 20 : 100;
    await using clients = new AsyncDisposableStack();
    const pairOf = async (name: string, { db, bare }: BenchDatabase, ids: readonly string[]): Promise<Contender[]> => {
      const client = await connectForReads(bare);
      clients.defer(() => client.release());
      const nextOfProduct = cycle(ids);
      // Half-way round from the other, which would warm up its pages else.
      const half = Math.floor(ids.length / 2);
      const nextOfFloor = cycle([...ids.slice(half), ...ids.slice(0, half)]);
      const product = () => getSessionHistory(nextOfProduct(), MAX_MESSAGES, TOKEN_BUDGET, db);
      return [
        { name, round: () => timeCalls(calls, product) },
        { name: 'floor', round: () => timeCalls(calls, () => readBare(client, nextOfFloor())) },
      ];
    };
    progress('alternating rounds');
    const tenOfLarge = large.sessions.ids.slice(0, 10);
    const [ofSmall, smallFloor, ofLarge, largeFloor, ofLong, longFloor, ofAny, anyFloor] = await alternate(
      [
        ...(await pairOf('1,000', small, smallSessions.ids)),
        ...(await pairOf(rows, large, tenOfLarge)),
        ...(await pairOf(longRows, large, [large.sessions.longId!])),
        ...(await pairOf('any', large, large.sessions.ids)),
      ],
      quick ? { warmUps: 2, rounds: 5 } : { warmUps: 15, rounds: 100 },
    );
    const unit = 'ms';
    const smallName = '10 sessions, 1,000 messages in the table';
    const largeName = `10 sessions, ${rows} messages in the table`;
    const longName = `one session of ${longRows}`;
    const anyName = `any session, ${rows} messages in the table`;
    return [
      compare({ name: smallName, unit, of: ofSmall!, with: smallFloor!, bar: FLOOR_BAR }),
      compare({ name: largeName, unit, of: ofLarge!, with: largeFloor!, bar: FLOOR_BAR }),
      compare({ name: longName, unit, of: ofLong!, with: longFloor!, bar: FLOOR_BAR }),
      compare({ name: anyName, unit, of: ofAny!, with: anyFloor!, bar: FLOOR_BAR }),
      compare({ name: largeName, unit, of: ofLarge!, with: ofSmall!, bar: FLAT_BAR }),
      compare({ name: longName, unit, of: ofLong!, with: ofSmall!, bar: FLAT_BAR }),
      compare({ name: anyName, unit, of: ofAny!, with: ofSmall!, bar: FLAT_BAR }),
      compare({ name: `the floor, ${anyName}`, unit, of: anyFloor!, with: { ...smallFloor!, name: 'floor at 1,000' } }),
    ];
  },
};

interface WindowRow {
  readonly role: string;
  readonly content: string;
  readonly token_count: number;
}

/** The floor: the same rows by one named statement on one client, trimmed to the budget and turned around in JavaScript. */
async function readBare(client: pg.PoolClient, sessionId: string): Promise<{ role: string; content: string }[]> {
  const { rows } = await client.query<WindowRow>({
    name: 'window',
    text: `SELECT role, content, token_count FROM session_messages WHERE session_id = $1
           ORDER BY created_at DESC, seq DESC LIMIT $2`,
    values: [sessionId, MAX_MESSAGES],
  });
  const window: { role: string; content: string }[] = [];
  let tokens = 0;
  for (const { role, content, token_count } of rows) {
    tokens += token_count;
    if (tokens > TOKEN_BUDGET) break;
    window.push({ role, content });
  }
  return window.toReversed();
}
