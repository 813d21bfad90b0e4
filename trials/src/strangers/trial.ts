/** A server with those who never paid at its door, and one who did, who must not notice much of them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

import { openFakeModel } from '../fake-model.ts';
import type { KnownSession } from '../journal.ts';
import { openFundedSession } from '../open-funded-session.ts';
import { openScene } from '../open-scene.ts';
import { openSession } from '../payments.ts';
import { Random } from '../random.ts';
import type { Scene } from '../scene.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { GENERATOR_CORE, moveToCore, SERVER_CORE } from './cores.ts';
import type { GeneratorOrder, GeneratorReport } from './generator.ts';
import { type MemoryUse, watchMemory } from './memory.ts';
import { type PayerTurn, takeTurns } from './payer.ts';

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));
const PAYERS = 8;
const OPENING_AT_ONCE = 8;

export interface StrangersOptions {
  readonly seconds: number;
  /** Calls a second; unset: as fast as the generator can. */
  readonly rate: number | undefined;
  readonly readers: number;
  /** Sessions that were opened and never paid. */
  readonly unpaidSessions: number;
  /** How many turns are taken before they come, to compare with. */
  readonly undisturbedTurns: number;
  /** Give server and PostgreSQL one core, those who call them another: this process stays there. */
  readonly pin: boolean;
  readonly checkout?: string | undefined;
}

export interface StrangersReport extends GeneratorReport {
  /** Server and PostgreSQL have one core, those who call them the other. */
  readonly pinned: boolean;
  readonly undisturbed: readonly PayerTurn[];
  readonly disturbed: readonly PayerTurn[];
  readonly memory: MemoryUse;
}

export async function runStrangersTrial(options: StrangersOptions): Promise<StrangersReport> {
  await using opening = new AsyncDisposableStack();
  const pinned = options.pin && (await moveToCore(SERVER_CORE)); // inherited by what is started here
  const { scene, server } = await openServer(opening, options);
  if (pinned) await moveToCore(GENERATOR_CORE);
  const random = new Random('strangers');
  const payers: KnownSession[] = [];
  while (payers.length < PAYERS) payers.push(await openFundedSession(scene, random));
  const unpaid = await openUnpaid(scene, options.unpaidSessions, random);
  await takeTurns(server.url, payers, { most: options.undisturbedTurns / 4 }); // to warm up
  const undisturbed = await takeTurns(server.url, payers, { most: options.undisturbedTurns });
  const endMemory = watchMemory(server.pid);
  let isOver = false;
  const disturbing = generate({
    url: server.url,
    unpaid: unpaid.map(({ id, key }) => ({ id, key })),
    paidSessionIds: payers.map(({ id }) => id),
    readers: options.readers,
    seconds: options.seconds,
    rate: options.rate,
  }).finally(() => (isOver = true));
  const disturbed = await takeTurns(server.url, payers, { stopped: () => isOver });
  return { ...(await disturbing), pinned, undisturbed, disturbed, memory: endMemory() };
}

async function openServer(
  opening: AsyncDisposableStack,
  { checkout }: StrangersOptions,
): Promise<{ scene: Scene; server: ServerProcess }> {
  const model = opening.use(await openFakeModel());
  const scene = await openScene(opening);
  const { directory, database } = scene;
  // A turn costs next to nothing: the payer takes thousands.
  const prices = { PRICE_INPUT_MSAT_PER_KTOKEN: '1', PRICE_OUTPUT_MSAT_PER_KTOKEN: '1' };
  const server = await startServer({
    directory,
    databaseUrl: database.directUrl,
    name: 'the server',
    environment: { ...model.environment, ...prices },
    checkout,
    reliableWallet: true,
  });
  scene.servers = [server];
  return { scene, server };
}

async function openUnpaid(scene: Scene, count: number, random: Random): Promise<KnownSession[]> {
  const opened: KnownSession[] = [];
  while (opened.length < count) {
    const batch = Math.min(OPENING_AT_ONCE, count - opened.length);
    const sessions = await Promise.all(Array.from({ length: batch }, () => openSession(scene, random)));
    const missing = sessions.filter((session) => session === undefined).length;
    if (missing === batch) throw new Error('No session could be opened');
    opened.push(...sessions.filter((session) => session !== undefined));
  }
  return opened;
}

/** In a process of its own, which gives way to the payer: it is the payer's time that is measured. */
async function generate(order: GeneratorOrder): Promise<GeneratorReport> {
  const child = fork(GENERATOR);
  setPriority(child.pid!, constants.priority.PRIORITY_BELOW_NORMAL);
  child.send(order);
  const ended = once(child, 'exit').then(() => {
    throw new Error('The generator ended');
  });
  try {
    const [report]: unknown[] = await Promise.race([once(child, 'message'), ended]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- generator.ts sends nothing else
    return report as GeneratorReport;
  } finally {
    ended.catch(() => {});
    child.kill();
  }
}
