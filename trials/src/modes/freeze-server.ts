import { setTimeout as delay } from 'node:timers/promises';

import { untilMoment } from '../moment.ts';
import { newTurn } from '../new-turn.ts';
import { openFundedSession } from '../open-funded-session.ts';
import type { Random } from '../random.ts';
import { bringLookupsForward, type RunningRequest, untilRecovered } from '../recovery.ts';
import type { Scene } from '../scene.ts';
import { sendTurn } from '../send-turn.ts';
import type { ServerProcess } from '../server-process.ts';
import { takeOver } from '../take-over.ts';
import type { Strike } from './strike.ts';

/** By server: what it calls itself in its leases. */
const owners = new WeakMap<ServerProcess, string>();

/** SIGSTOP to one of two servers until its leases have run out and the other has taken over; then it goes on. */
export const freezeServer: Strike = async (scene, { random, work }) => {
  const frozen = random.pick(scene.servers);
  const owner = owners.get(frozen) ?? (await askForOwner(scene, frozen, random));
  await untilMoment(scene, random);
  frozen.freeze();
  scene.counts.kills += 1;
  await delay(random.whole(10, 150)); // what the database was told already, it still does
  const abandoned = await endLeasesOf(scene, owner);
  await takeOver(scene, abandoned, random);
  const fenced = await findFailed(scene, abandoned);
  scene.counts.fenced += fenced.length;
  frozen.thaw();
  if (random.chance(0.5)) await delay(random.whole(0, 300));
  await work.stop();
  await bringLookupsForward(scene);
  await untilRecovered(scene);
  checkFenced(scene, fenced, await findFailed(scene, abandoned));
};

async function endLeasesOf(scene: Scene, owner: string): Promise<RunningRequest[]> {
  return scene.database.query<RunningRequest>(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 second'
     WHERE state = 'running' AND lease_owner = $1 RETURNING id, session_id`,
    [owner],
  );
}

async function findFailed(scene: Scene, requests: readonly RunningRequest[]): Promise<string[]> {
  const rows = await scene.database.query<{ id: string }>(
    `SELECT id FROM session_requests WHERE state = 'failed' AND id = ANY($1::uuid[])`,
    [requests.map(({ id }) => id)],
  );
  return rows.map(({ id }) => id);
}

/** What was ended while its server was frozen stays ended, and nobody was told otherwise. */
function checkFenced(scene: Scene, fenced: readonly string[], stillFailed: readonly string[]): void {
  const revived = fenced.filter((id) => !stillFailed.includes(id));
  if (revived.length > 0) scene.report('7: a server that lost its lease cannot write its turn', revived);
  const answered = scene.journal.turns.filter(({ answer, requestId = '' }) => answer && fenced.includes(requestId));
  if (answered.length > 0) {
    scene.report(
      '7: nobody is told that a fenced turn succeeded',
      answered.map(({ requestId }) => requestId ?? ''),
    );
  }
}

/** Takes a turn by way of this server, to see under which name it does. */
async function askForOwner(scene: Scene, server: ServerProcess, random: Random): Promise<string> {
  const session = await openFundedSession(scene, random);
  const turn = newTurn(session, { name: `owner of ${session.id}`, keyed: false, random });
  await sendTurn(scene, session, turn, { server, streamed: false });
  const [row] = await scene.database.query<{ lease_owner: string }>(
    'SELECT lease_owner FROM session_requests WHERE session_id = $1',
    [session.id],
  );
  if (!row) throw new Error('A turn on a quiet server failed');
  owners.set(server, row.lease_owner);
  return row.lease_owner;
}
