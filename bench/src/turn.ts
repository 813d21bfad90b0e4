/** One turn after the other, against the floor of the same writes; and over HTTP. */
import { createLog } from '@timmy-tower/api-server/log.ts';

import { fillTurns, type FundedSession, fundSessions } from './fill.ts';
import { openHttpClient } from './http-client.ts';
import { compare, type Context, type Figure, type Measurement } from './measurement.ts';
import { openProduct, takeTurn } from './product.ts';
import { alternate, type Contender, cycle, timeCalls } from './rounds.ts';
import { startServerProcess } from './server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { takeFloorTurn } from './turn-floor.ts';

const BAR = 1.5;
const SESSIONS = 16;

export const turn: Measurement = {
  name: 'turn',
  title: 'One turn (beginTurn and finishTurn, a model that answers at once), one after the other',
  async run(context) {
    const durable = await measure(context, { waitForDisk: true, inUse: true });
    if (context.quick) return durable;
    return [
      ...durable,
      ...(await measure(context, { waitForDisk: false, inUse: true })),
      ...(await measure(context, { waitForDisk: false, inUse: false })),
    ];
  },
};

interface Circumstances {
  readonly waitForDisk: boolean;
  /** false: a new database, whose tables were looked at by autovacuum's ANALYZE while they were empty. */
  readonly inUse: boolean;
}

async function measure({ server, quick, progress }: Context, { waitForDisk, inUse }: Circumstances): Promise<Figure[]> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await server.openDatabase('turn', { waitForDisk }));
  await (inUse ? fillTurns(database.bare, { quick }) : database.bare.query('VACUUM ANALYZE'));
  const { path } = opening.use(await temporaryDirectory());
  const product = opening.use(await openProduct(database.db, { log: createLog('silent'), walletDirectory: path }));
  const http = opening.use(await startServerProcess(database.url));
  const client = opening.use(openHttpClient(http.url, 1));
  const bare = opening.adopt(await database.bare.connect(), (connection) => connection.release());
  const calls = quick ? 4 : 32;
  const contender = async (name: string, call: (session: FundedSession) => Promise<void>): Promise<Contender> => {
    const next = cycle(await fundSessions(database.bare, SESSIONS));
    return { name, round: () => timeCalls(calls, () => call(next())) };
  };
  const where = [...(waitForDisk ? [] : ['not waiting for the disk']), ...(inUse ? [] : ['in a new database'])];
  progress(['alternating rounds', ...where].join(', '));
  const [own, floor, readingFloor, overHttp] = await alternate(
    [
      await contender('use case', (session) => takeTurn(product.deps, session)),
      await contender('floor', (session) => takeFloorTurn(bare, session)),
      await contender('floor that reads too', (session) => takeFloorTurn(bare, session, { reading: true })),
      await contender('HTTP', (session) => client.takeTurn(session)),
    ],
    quick ? { warmUps: 1, rounds: 3 } : { warmUps: 4, rounds: 40 },
  );
  const unit = 'ms';
  const named = (name: string) => [name, ...where].join(', ');
  return [
    compare({ name: named('use case'), unit, of: own!, with: floor!, ...(waitForDisk ? { bar: BAR } : {}) }),
    compare({ name: named('use case'), unit, of: own!, with: readingFloor! }),
    compare({ name: named('HTTP'), unit, of: overHttp!, with: floor! }),
  ];
}
