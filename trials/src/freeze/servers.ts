/** Two servers on one database: one behind a gate, to be frozen, and one that goes on. */
import { type FakeModel, openFakeModel } from '../fake-model.ts';
import type { Scene } from '../scene.ts';
import { beginServer, type ServerPlace, type ServerProcess, startServer } from '../server-process.ts';
import { openStatementGate, type StatementGate } from './statement-gate.ts';

export interface TwoServers {
  readonly gate: StatementGate;
  readonly frozen: ServerProcess;
  readonly other: ServerProcess;
  /** Exchanges the one to be frozen for a new one. Resolves once that listens. */
  restart(): Promise<void>;
}

export async function startTwoServers(
  scene: Scene,
  { opening, checkout }: { opening: AsyncDisposableStack; checkout?: string | undefined },
): Promise<TwoServers> {
  const model = opening.use(await openFakeModel());
  const gate = opening.use(await openStatementGate(scene.database.directUrl));
  const place = (name: string, databaseUrl: string) => placeOf(scene, { model, name, databaseUrl, checkout });
  const other = await startServer(place('the other server', scene.database.directUrl));
  scene.servers = [other];
  let frozen = await startServer(place('the frozen server', gate.url));
  scene.servers = [other, frozen];
  return {
    gate,
    other,
    get frozen() {
      return frozen;
    },
    async restart() {
      await frozen.kill();
      const { server, listening } = beginServer(place('the frozen server', gate.url));
      frozen = server;
      scene.servers = [other, frozen];
      await listening;
    },
  };
}

function placeOf(
  { directory }: Scene,
  { model, ...place }: { model: FakeModel } & Pick<ServerPlace, 'name' | 'databaseUrl' | 'checkout'>,
): ServerPlace {
  // Turns cost next to nothing: strangers take thousands.
  const prices = { PRICE_INPUT_MSAT_PER_KTOKEN: '1', PRICE_OUTPUT_MSAT_PER_KTOKEN: '1' };
  return { ...place, directory, reliableWallet: true, environment: { ...model.environment, ...prices } };
}
