/** A trial: clients that work, a blow in the middle of it, and every promise checked afterwards, round after round. */
import { checkAnswers } from './check-answers.ts';
import { checkJournal } from './check-journal.ts';
import { checkPayments } from './check-payments.ts';
import { checkRows } from './check-rows.ts';
import { Client } from './client.ts';
import { freezeServer } from './modes/freeze-server.ts';
import { killDatabase } from './modes/kill-database.ts';
import { killServer } from './modes/kill-server.ts';
import type { Strike } from './modes/strike.ts';
import { openScene } from './open-scene.ts';
import type { Mode, TrialOptions } from './options.ts';
import { Random } from './random.ts';
import type { Scene, Violation } from './scene.ts';
import { startServer } from './server-process.ts';
import { startWork } from './work.ts';

const strikes: Readonly<Record<Mode, Strike>> = {
  server: killServer,
  database: killDatabase,
  freeze: freezeServer,
};

export interface Trial extends AsyncDisposable {
  readonly scene: Scene;
  /** Work, one blow, recovery, checks. @returns the promises that were not kept */
  round(): Promise<Violation[]>;
  /** Every check, on everything that was ever acknowledged. */
  checkEverything(): Promise<Violation[]>;
}

export async function openTrial(options: Omit<TrialOptions, 'kills'>): Promise<Trial> {
  await using opening = new AsyncDisposableStack();
  const scene = await openCrashScene(options, opening);
  const random = new Random(options.seed);
  const clients = Array.from(
    { length: options.clients },
    (_, index) => new Client(scene, `${index + 1}`, random.fork(`client ${index}`)),
  );
  const opened = opening.move();
  return {
    scene,
    async round() {
      scene.round += 1;
      const roundRandom = random.fork(`round ${scene.round}`);
      const work = startWork(clients, roundRandom);
      try {
        await strikes[options.mode](scene, { random: roundRandom, work });
      } finally {
        work.announceStop();
      }
      await check(scene, roundRandom.fork('check'), false);
      return scene.violations.splice(0);
    },
    async checkEverything() {
      await check(scene, random.fork('check'), true);
      return scene.violations.splice(0);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openCrashScene(
  { mode, databaseUrl }: Pick<TrialOptions, 'mode' | 'databaseUrl'>,
  opening: AsyncDisposableStack,
): Promise<Scene> {
  const scene = await openScene(opening, databaseUrl);
  const { directory, database } = scene;
  const names = mode === 'freeze' ? ['first server', 'second server'] : ['server'];
  scene.servers = await Promise.all(names.map((name) => startServer({ directory, databaseUrl: database.url, name })));
  return scene;
}

async function check(scene: Scene, random: Random, everything: boolean): Promise<void> {
  await checkRows(scene);
  await checkJournal(scene);
  await checkPayments(scene);
  await checkAnswers(scene, random, everything);
}
