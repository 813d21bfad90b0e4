/** An older server answers while a newer one starts on the same database and migrates it; then the older one is stopped. */
import { setTimeout as delay } from 'node:timers/promises';

import { checkAnswers } from '../check-answers.ts';
import { checkJournal } from '../check-journal.ts';
import { checkPayments } from '../check-payments.ts';
import { checkRows } from '../check-rows.ts';
import { Client } from '../client.ts';
import { openScene } from '../open-scene.ts';
import { Random } from '../random.ts';
import { bringLookupsForward, untilRecovered } from '../recovery.ts';
import type { Counts, Scene, Violation } from '../scene.ts';
import { beginServer, type ServerPlace, type ServerProcess, startServer } from '../server-process.ts';
import { startWork } from '../work.ts';

export interface UpgradeOptions {
  /** The folder with the version before, its dependencies installed. */
  readonly old: string;
  readonly seed: string;
  readonly clients: number;
  /** How long the clients work before, beside and after: each so long. */
  readonly secondsEach: number;
}

export interface UpgradeReport {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
  readonly failures: ReadonlyMap<string, number>;
}

export async function runUpgrade({ old, seed, clients, secondsEach }: UpgradeOptions): Promise<UpgradeReport> {
  await using opening = new AsyncDisposableStack();
  const scene = await openScene(opening);
  scene.twoVersions = true;
  const random = new Random(seed);
  const failures = new Map<string, number>();
  const place = { directory: scene.directory, databaseUrl: scene.database.url };
  const older = await startServer({ ...place, name: 'the older server', checkout: old });
  watch(scene, older, failures);
  scene.servers = [older];
  const people = Array.from(
    { length: clients },
    (_, index) => new Client(scene, `${index + 1}`, random.fork(`client ${index}`)),
  );
  scene.round = 1;
  const work = startWork(people, random.fork('work'));
  await delay(secondsEach * 1000);
  const newer = await startNewer(scene, { ...place, name: 'the newer server' }, failures);
  await delay(secondsEach * 1000);
  scene.servers = [newer];
  await older.stop();
  await delay(secondsEach * 1000);
  await work.stop();
  await check(scene, random);
  return { violations: scene.violations, counts: scene.counts, failures };
}

async function startNewer(scene: Scene, place: ServerPlace, failures: Map<string, number>): Promise<ServerProcess> {
  const { server, listening } = beginServer(place);
  watch(scene, server, failures);
  await listening;
  scene.servers = [...scene.servers, server];
  return server;
}

/** A server may say that it is out of reach, and when to come again. What the version before left unsaid is left to it. */
function watch(scene: Scene, server: ServerProcess, failures: Map<string, number>): void {
  server.observe = ({ status, headers }) => {
    if (status < 500) return;
    const what = `${status} of ${server.name}${headers.has('retry-after') ? '' : ', without Retry-After'}`;
    failures.set(what, (failures.get(what) ?? 0) + 1);
    if (status !== 503) scene.report('no failure but 503 is expected while servers are exchanged', [what]);
    else if (!headers.has('retry-after') && server.name === 'the newer server') {
      scene.report('a 503 says when to come again', [what]);
    }
  };
}

async function check(scene: Scene, random: Random): Promise<void> {
  await bringLookupsForward(scene);
  await untilRecovered(scene);
  await checkRows(scene);
  await checkJournal(scene);
  await checkPayments(scene);
  await checkAnswers(scene, random.fork('check'), true);
}
