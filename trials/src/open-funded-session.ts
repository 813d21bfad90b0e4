import { setTimeout as delay } from 'node:timers/promises';

import { CUT, call } from './http.ts';
import type { KnownSession } from './journal.ts';
import { openSession } from './payments.ts';
import type { Random } from './random.ts';
import { bringLookupsForward } from './recovery.ts';
import type { Scene } from './scene.ts';

const POLL_MS = 50;

/** A session with a balance, by way of a server that is up. @throws {Error} when none can be opened */
export async function openFundedSession(scene: Scene, random: Random): Promise<KnownSession> {
  const session = await openSession(scene, random);
  if (!session) throw new Error('No session could be opened');
  await scene.wallet.pay(session.invoices[0]!.bolt11);
  await bringLookupsForward(scene);
  while (!(await isActive(scene, session, random))) await delay(POLL_MS);
  return session;
}

async function isActive(scene: Scene, { id, key }: KnownSession, random: Random): Promise<boolean> {
  const answer = await call(scene.pickServer(random), `/sessions/${id}`, { key });
  if (answer === CUT) return false;
  const { status }: { status?: string } = JSON.parse(answer.text);
  return status === 'active';
}
