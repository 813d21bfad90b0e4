/** A server with those who never paid at its door, and one who did, who must not notice much of them. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { type FakeModel, openFakeModel } from '../fake-model.ts';
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
  const model = opening.use(await openFakeModel());
  const scene = await openScene(opening);
  const people = await openSessions(scene, options);
  const server = await start(scene, { ...options, model, newSessionsPerMinute: toLetIn(options.readers) });
  if (pinned) await moveToCore(GENERATOR_CORE);
  return { pinned, ...(await measure(server, people, options)) };
}

interface People {
  readonly payers: readonly KnownSession[];
  readonly unpaid: readonly KnownSession[];
}

/** So many calls of an address may come for each new session that one may: see `admission.ts`. */
const CALLS_PER_NEW_SESSION = 20;

/** Raised so far that all readers may come within the first minute, and no further. */
const toLetIn = (readers: number) => Math.max(30, Math.ceil((readers * 1.1) / CALLS_PER_NEW_SESSION));

async function start(
  scene: Scene,
  {
    model,
    newSessionsPerMinute,
    checkout,
  }: Pick<StrangersOptions, 'checkout'> & {
    model?: FakeModel;
    newSessionsPerMinute: number;
  },
): Promise<ServerProcess> {
  const { directory, database } = scene;
  const server = await startServer({
    directory,
    databaseUrl: database.directUrl,
    name: 'the server',
    environment: {
      ...model?.environment,
      // A turn costs next to nothing: the payers take thousands.
      PRICE_INPUT_MSAT_PER_KTOKEN: '1',
      PRICE_OUTPUT_MSAT_PER_KTOKEN: '1',
      NEW_SESSIONS_PER_MINUTE: String(newSessionsPerMinute),
    },
    checkout,
    reliableWallet: true,
  });
  scene.servers = [server];
  return server;
}

/** By way of a server that lets them: it is gone afterwards, and what it counted. */
async function openSessions(scene: Scene, { unpaidSessions, checkout }: StrangersOptions): Promise<People> {
  const server = await start(scene, { newSessionsPerMinute: 1_000_000, checkout });
  const random = new Random('strangers');
  const payers: KnownSession[] = [];
  while (payers.length < PAYERS) payers.push(await openFundedSession(scene, random));
  const unpaid = await openUnpaid(scene, unpaidSessions, random);
  await server.stop();
  return { payers, unpaid };
}

async function measure(
  server: ServerProcess,
  { payers, unpaid }: People,
  options: StrangersOptions,
): Promise<Omit<StrangersReport, 'pinned'>> {
  await takeTurns(server.url, payers, { most: options.undisturbedTurns / 4 }); // to warm up
  const undisturbed = await takeTurns(server.url, payers, { most: options.undisturbedTurns });
  const endMemory = watchMemory(server.pid);
  const strangers = startStrangers({
    url: server.url,
    unpaid: unpaid.map(({ id, key }) => ({ id, key })),
    paidSessionIds: payers.map(({ id }) => id),
    readers: options.readers,
    seconds: options.seconds,
    rate: options.rate,
  });
  await strangers.ready;
  let isOver = false;
  const disturbing = strangers.report.finally(() => (isOver = true));
  disturbing.catch(() => {}); // told below, once the payers have ended
  const disturbed = await takeTurns(server.url, payers, { stopped: () => isOver });
  return { ...(await disturbing), undisturbed, disturbed, memory: endMemory() };
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

/** In a process of its own: it is the payer's time that is measured, not theirs. */
function startStrangers(order: GeneratorOrder): { ready: Promise<unknown>; report: Promise<GeneratorReport> } {
  const child = fork(GENERATOR);
  const ready = Promise.withResolvers<void>();
  const report = Promise.withResolvers<GeneratorReport>();
  child.on('message', (said: 'ready' | GeneratorReport) => {
    if (said === 'ready') ready.resolve();
    else report.resolve(said);
  });
  child.once('exit', () => {
    ready.reject(new Error('The strangers’ process ended'));
    report.reject(new Error('The strangers’ process ended'));
  });
  // Told to stop, the trial ends with its strangers, and takes its database along.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill());
  child.send(order);
  report.promise.catch(() => {}); // whoever waits for it is told
  return { ready: ready.promise, report: report.promise };
}
