/** Turns per second with many sessions at once, against the floor's on a pool of the same size. */
import { createLog } from '@timmy-tower/api-server/log.ts';

import { fillTurns, type FundedSession, fundSessions } from './fill.ts';
import { openHttpClient } from './http-client.ts';
import { compare, type Context, type Figure, type Measurement } from './measurement.ts';
import { POOL_SIZE } from './postgres.ts';
import { openProduct, takeTurn } from './product.ts';
import { alternate, type Contender, countCalls } from './rounds.ts';
import { startServerProcess } from './server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { takeFloorTurn } from './turn-floor.ts';

export const throughput: Measurement = {
  name: 'throughput',
  title: `Turns per second, each session taking one turn after the other (pools of ${POOL_SIZE})`,
  async run(context) {
    const figures: Figure[] = [];
    for (const sessions of context.quick ? [8] : [1, 8, 64]) figures.push(...(await measure(context, sessions)));
    return figures;
  },
};

async function measure({ server, quick, progress }: Context, sessions: number): Promise<Figure[]> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await server.openDatabase(`throughput_${sessions}`));
  await fillTurns(database.bare, { quick });
  const { path } = opening.use(await temporaryDirectory());
  const { deps } = opening.use(await openProduct(database.db, { log: createLog('silent'), walletDirectory: path }));
  const http = opening.use(await startServerProcess(database.url));
  const client = opening.use(openHttpClient(http.url, sessions));
  const contender = async (name: string, call: (session: FundedSession) => Promise<void>): Promise<Contender> => {
    const funded = await fundSessions(database.bare, sessions);
    const workers = funded.map((session) => () => call(session));
    return { name, round: () => countCalls(quick ? 100 : 1000, workers) };
  };
  progress(`${sessions} at once`);
  const [own, floor, readingFloor, overHttp] = await alternate(
    [
      await contender('use case', (session) => takeTurn(deps, session)),
      await contender('floor', (session) => takeFloorTurn(database.bare, session)),
      await contender('floor that reads too', (session) => takeFloorTurn(database.bare, session, { reading: true })),
      await contender('HTTP', (session) => client.takeTurn(session)),
    ],
    quick ? { warmUps: 1, rounds: 2 } : { warmUps: 1, rounds: 8 },
  );
  const unit = 'turns/s';
  return [
    compare({ name: `use case, ${sessions} at once`, unit, of: own!, with: floor! }),
    compare({ name: `use case, ${sessions} at once`, unit, of: own!, with: readingFloor! }),
    compare({ name: `HTTP, ${sessions} at once`, unit, of: overHttp!, with: floor! }),
  ];
}
