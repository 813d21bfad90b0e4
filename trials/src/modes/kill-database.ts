import { setTimeout as delay } from 'node:timers/promises';

import { untilMoment } from '../moment.ts';
import { bringLookupsForward, endLeases, findRunning, untilNothingRuns, untilRecovered } from '../recovery.ts';
import type { Scene } from '../scene.ts';
import { startServer } from '../server-process.ts';
import { takeOver } from '../take-over.ts';
import { payWhileDown } from './kill-server.ts';
import type { Strike } from './strike.ts';

const TURNS_END_MS = 6000;

/** SIGKILL to all of PostgreSQL, every fourth time to the server as well; both come back on what is on the disk. */
export const killDatabase: Strike = async (scene, { random, work }) => {
  const serverToo = random.chance(0.25);
  await untilMoment(scene, random);
  if (serverToo) work.announceStop();
  await Promise.all([scene.database.crash(), serverToo && scene.pickServer(random).kill()]);
  scene.counts.kills += 1;
  await delay(random.whole(0, 400));
  if (serverToo) await payWhileDown(scene, random);
  await scene.database.restart();
  if (serverToo) await startAnew(scene, work.stop());
  else await delay(random.whole(50, 400));
  await work.stop();
  await bringLookupsForward(scene);
  // A turn that could not even be given back while the database was down waits for its lease to run out.
  if (!(await untilNothingRuns(scene, TURNS_END_MS))) {
    await endLeases(scene);
    await takeOver(scene, await findRunning(scene), random);
  }
  await untilRecovered(scene);
};

async function startAnew(scene: Scene, stopped: Promise<void>): Promise<void> {
  await stopped;
  await endLeases(scene);
  const { directory, database } = scene;
  scene.servers = [await startServer({ directory, databaseUrl: database.url, name: 'server' })];
}
