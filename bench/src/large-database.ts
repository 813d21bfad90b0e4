import { type FilledSessions, fillMessages } from './fill.ts';
import type { Context } from './measurement.ts';
import type { BenchDatabase, BenchServer } from './postgres.ts';

export interface LargeDatabase extends BenchDatabase {
  readonly sessions: FilledSessions;
}

const opened = new WeakMap<BenchServer, Promise<LargeDatabase>>();

/** A million messages, a tenth of them in one session: filled once, for all measurements that read it. */
export async function openLargeDatabase(context: Context): Promise<LargeDatabase> {
  const large = opened.get(context.server) ?? fill(context);
  opened.set(context.server, large);
  return large;
}

async function fill({ server, quick, progress }: Context): Promise<LargeDatabase> {
  progress('filling the large table');
  const database = await server.keepDatabase('large');
  const size = quick ? { sessions: 50, longSession: 1000 } : { sessions: 9000, longSession: 100_000 };
  return { ...database, sessions: await fillMessages(database.bare, size) };
}
