/** The first page of 50 messages in a session of 100,000, from either end. */
import { listMessages } from '@timmy-tower/db';
import type pg from 'pg';

import { addKey } from './fill.ts';
import { openHttpClient } from './http-client.ts';
import { openLargeDatabase } from './large-database.ts';
import { compare, type Figure, type Measurement } from './measurement.ts';
import { connectForReads } from './postgres.ts';
import { alternate, timeCalls } from './rounds.ts';
import { startServerProcess } from './server-process.ts';

const LIMIT = 50;

export const messages: Measurement = {
  name: 'messages',
  title: `The first page of ${LIMIT} messages in a session of 100,000, one call after the other`,
  async run(context) {
    const { quick, progress } = context;
    const { db, bare, url, sessions } = await openLargeDatabase(context);
    const session = await addKey(bare, sessions.longId!);
    await using opening = new AsyncDisposableStack();
    const client = opening.adopt(await connectForReads(bare), (connection) => connection.release());
    const http = opening.use(await startServerProcess(url));
    const caller = opening.use(openHttpClient(http.url, 1));
    const calls = quick ? 10 : 50;
    const figures: Figure[] = [];
    for (const order of ['asc', 'desc'] as const) {
      progress(`alternating rounds, ${order}`);
      const list = () => listMessages(db, { sessionId: session.id, limit: LIMIT, order });
      const [own, floor, overHttp] = await alternate(
        [
          { name: 'listMessages', round: () => timeCalls(calls, list) },
          { name: 'floor', round: () => timeCalls(calls, () => readBare(client, session.id, order)) },
          { name: 'HTTP', round: () => timeCalls(calls, () => caller.readMessages(session, order)) },
        ],
        quick ? { warmUps: 1, rounds: 3 } : { warmUps: 4, rounds: 30 },
      );
      const unit = 'ms';
      figures.push(
        compare({ name: `listMessages, ${order}`, unit, of: own!, with: floor! }),
        compare({ name: `HTTP, ${order}`, unit, of: overHttp!, with: floor! }),
      );
    }
    return figures;
  },
};

async function readBare(client: pg.PoolClient, sessionId: string, order: 'asc' | 'desc'): Promise<unknown[]> {
  const { rows } = await client.query<Record<string, unknown>>({
    name: `page_${order}`,
    text: `SELECT * FROM session_messages WHERE session_id = $1 ORDER BY created_at ${order}, seq ${order} LIMIT $2`,
    values: [sessionId, LIMIT + 1],
  });
  return rows;
}
