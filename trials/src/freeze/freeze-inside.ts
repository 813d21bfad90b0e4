import { setTimeout as delay } from 'node:timers/promises';

import type { KnownSession } from '../journal.ts';
import { openFundedSession } from '../open-funded-session.ts';
import { openSession } from '../payments.ts';
import type { Random } from '../random.ts';
import { until } from '../recovery.ts';
import type { Scene } from '../scene.ts';
import { findBlocked, untilNobodyIsBlocked } from './blocked.ts';
import type { TwoServers } from './servers.ts';
import type { Place } from './statement-gate.ts';
import { startStrangers, type StrangersReport } from './strangers.ts';
import type { Use, UseContext } from './uses.ts';
import { startVictims } from './victims.ts';

/** Longer than a lock is waited for and than one is held. */
const FROZEN_MS = 5000;
const RECOVERY_MS = 20_000;

export interface FreezeTrial {
  readonly scene: Scene;
  readonly servers: TwoServers;
  /** Their sessions. */
  readonly strangers: readonly KnownSession[];
  /** How long a backend may be blocked. */
  readonly blockedMs: number;
}

export interface Frozen extends StrangersReport {
  readonly statement: string;
  readonly unblockedAfterMs: number;
}

/**
 * Freezes a server at the n-th statement of what it does, while strangers and those who want the same session go on at the
 * other one. @returns undefined: it does without so many statements
 */
export async function freezeInside(
  trial: FreezeTrial,
  { use, place, nth, random }: { use: Use; place: Place; nth: number; random: Random },
): Promise<Frozen | undefined> {
  const { servers } = trial;
  const context = await prepare(trial, use, random);
  const { session } = context;
  const closed = Promise.withResolvers<string>();
  const needles = use.needles?.(session) ?? [Buffer.from(session.id)];
  const onClosed = (statement: string) => {
    servers.frozen.freeze();
    closed.resolve(statement);
  };
  servers.gate.arm({ place, needles, nth, onClosed });
  const provoked = use.provoke(context).catch(() => {}); // cut off, or its server was
  const statement = await Promise.race([closed.promise, provoked.then(() => delay(50)).then(() => undefined)]);
  try {
    return statement === undefined
      ? undefined
      : { statement, ...(await watchFrozen(trial, session, `${use.name}, ${place} ${statement}`)) };
  } finally {
    servers.frozen.thaw();
    servers.gate.open();
    await provoked;
    await untilAnswers(trial);
  }
}

async function prepare({ scene, servers }: FreezeTrial, use: Use, random: Random): Promise<UseContext> {
  const session = use.unpaid ? await openSession(scene, random) : await openFundedSession(scene, random);
  if (!session) throw new Error('No session could be opened');
  const { other } = servers;
  const context = { scene, session, other, server: () => servers.frozen, restart: () => servers.restart() };
  await use.prepare?.(context);
  return context;
}

async function watchFrozen(
  trial: FreezeTrial,
  session: KnownSession,
  during: string,
): Promise<StrangersReport & { unblockedAfterMs: number }> {
  const { scene, servers, strangers } = trial;
  const atOther = strangers.map((stranger) => ({ session: stranger, server: servers.other }));
  const working = startStrangers(scene, atOther, during);
  const victims = startVictims(scene, { session, servers: [servers.other], during });
  await delay(FROZEN_MS);
  await victims.stop();
  const unblockedAfterMs = await checkBlocked(trial, during);
  return { ...(await working.stop()), unblockedAfterMs };
}

/** The server is still frozen: nobody may wait for it. */
export async function checkBlocked({ scene, blockedMs }: FreezeTrial, during: string): Promise<number> {
  const beganAtMs = performance.now();
  if ((await findBlocked(scene)).length > 0) {
    const blocked = await untilNobodyIsBlocked(scene, blockedMs);
    for (const { pid, what } of blocked) {
      scene.report(`no backend is left blocked ${blockedMs / 1000} s later`, [
        `backend ${pid}: ${what}`,
        `during ${during}`,
      ]);
    }
  }
  return Math.round(performance.now() - beganAtMs);
}

async function untilAnswers({ scene, servers }: FreezeTrial): Promise<void> {
  const answers = async () => {
    const response = await fetch(`${servers.frozen.url}/healthz`).catch(() => undefined);
    return response?.ok === true;
  };
  if (!(await until(answers, RECOVERY_MS))) scene.report('a server that was frozen goes on', [servers.frozen.name]);
}
