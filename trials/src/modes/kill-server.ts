import { untilMoment } from '../moment.ts';
import { payPastServer } from '../payments.ts';
import type { Random } from '../random.ts';
import { endLeases, findRunning, untilConnectionsEnd, untilRecovered } from '../recovery.ts';
import type { Scene } from '../scene.ts';
import { killWhileStarting, startServer } from '../server-process.ts';
import { takeOver } from '../take-over.ts';
import type { Strike } from './strike.ts';

/** SIGKILL to the server, and another one in its place. */
export const killServer: Strike = async (scene, { random, work }) => {
  const server = scene.pickServer(random);
  await untilMoment(scene, random);
  work.announceStop();
  await server.kill();
  scene.counts.kills += 1;
  await work.stop();
  await payWhileDown(scene, random);
  // Most times the sweep at the start finds the leases run out; else the next one, or the next turn.
  const leasesRanOut = random.chance(0.8);
  if (leasesRanOut) {
    await untilConnectionsEnd(scene);
    await endLeases(scene);
  }
  await startAnew(scene, random);
  if (!leasesRanOut) {
    await endLeases(scene);
    await takeOver(scene, await findRunning(scene), random);
  }
  await untilRecovered(scene);
};

/** Every third start is killed on its way, and the next one must do. */
async function startAnew(scene: Scene, random: Random): Promise<void> {
  const { directory, database } = scene;
  const place = { directory, databaseUrl: database.url, name: 'server' };
  if (random.chance(0.33)) {
    await killWhileStarting(place, random.next() * scene.startMs);
    scene.counts.kills += 1;
  }
  const beganAtMs = performance.now();
  scene.servers = [await startServer(place)];
  scene.startMs = performance.now() - beganAtMs;
}

export async function payWhileDown(scene: Scene, random: Random): Promise<void> {
  if (random.chance(0.5)) return;
  const invoices = scene.journal.sessions.flatMap((session) => session.invoices.slice(-1));
  for (const invoice of random.sample(invoices, 2)) {
    await payPastServer(scene, invoice, random);
  }
}
