import { setTimeout as delay } from 'node:timers/promises';

import type { Random } from './random.ts';
import type { Moment, Scene } from './scene.ts';

const PATIENCE_MS = 4000;
const LONGEST_MS = 1500;

/** How many of each to let pass at most before striking. */
const upTo: Readonly<Record<Moment, number>> = { sent: 40, started: 15, word: 150, answered: 30, paying: 6 };

/** The moment to strike: after a random time, or a few milliseconds after something happened for the n-th time. */
export async function untilMoment(scene: Scene, random: Random): Promise<void> {
  const what = random.weighted<Moment | 'time'>([
    ['time', 3],
    ['sent', 2],
    ['started', 2],
    ['word', 3],
    ['answered', 3],
    ['paying', 2],
  ]);
  if (what === 'time') return delay(random.whole(0, LONGEST_MS));
  const afterMs = random.chance(0.4) ? 0 : random.whole(1, 8);
  await untilHappened(scene, what, random.whole(1, upTo[what]));
  if (afterMs > 0) await delay(afterMs);
}

async function untilHappened({ moments }: Scene, what: Moment, times: number): Promise<void> {
  const happened = Promise.withResolvers<void>();
  let left = times;
  const count = () => {
    left -= 1;
    if (left === 0) happened.resolve();
  };
  moments.on(what, count);
  const timer = setTimeout(happened.resolve, PATIENCE_MS);
  await happened.promise;
  clearTimeout(timer);
  moments.off(what, count);
}
