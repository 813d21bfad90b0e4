import { setTimeout as delay } from 'node:timers/promises';

import { call } from './http.ts';
import type { Forget } from './journal.ts';
import { newTurn } from './new-turn.ts';
import type { Random } from './random.ts';
import { findRunning, type RunningRequest } from './recovery.ts';
import type { Scene } from './scene.ts';
import { sendTurn } from './send-turn.ts';

const POLL_MS = 25;

/**
 * Has requests whose lease ran out ended by what comes next: another turn of the conversation, forgetting it, or the sweep,
 * which comes every 5 s.
 */
export async function takeOver(scene: Scene, abandoned: readonly RunningRequest[], random: Random): Promise<void> {
  const way = random.weighted([
    ['turn', 7],
    ['forget', 1],
    ['sweep', 1],
  ]);
  if (way !== 'sweep') {
    await Promise.all(
      abandoned.map((request) => (way === 'turn' ? sayNext(scene, request, random) : forget(scene, request, random))),
    );
  }
  const ids = new Set(abandoned.map(({ id }) => id));
  const deadline = performance.now() + 8000;
  while ((await findRunning(scene)).some(({ id }) => ids.has(id)) && performance.now() < deadline) await delay(POLL_MS);
}

async function sayNext(scene: Scene, request: RunningRequest, random: Random): Promise<void> {
  const session = scene.journal.find(request.session_id);
  if (!session) return;
  const turn = newTurn(session, { name: `after ${request.id}`, keyed: random.chance(0.5), random });
  await sendTurn(scene, session, turn, { server: scene.pickServer(random), streamed: random.chance(0.5) });
}

async function forget(scene: Scene, request: RunningRequest, random: Random): Promise<void> {
  const session = scene.journal.find(request.session_id);
  if (!session) return;
  const forgetting: Forget = { sentAtMs: Date.now() };
  session.forgets.push(forgetting);
  const path = `/sessions/${session.id}/messages`;
  const answer = await call(scene.pickServer(random), path, { method: 'DELETE', key: session.key });
  if (answer === 'cut' || answer.status !== 204) return;
  forgetting.acknowledgedAtMs = Date.now();
  scene.counts.forgets += 1;
}
