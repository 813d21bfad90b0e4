/** The strangers' own process. It is told what to do, says when the readers are there, and in the end what became of it. */
import { setTimeout as delay } from 'node:timers/promises';

import { Load, type LoadOptions } from './load.ts';
import type { Outcomes } from './outcomes.ts';

export interface GeneratorOrder extends LoadOptions {
  readonly seconds: number;
  /** Calls a second; unset: as many as it can. */
  readonly rate?: number | undefined;
}

export interface GeneratorReport {
  readonly outcomes: Outcomes;
  readonly mostReaders: number;
  readonly callsPerSecond: number;
}

const TICK_MS = 5;
/** So many wait for their answer at most: more are not sent. */
const MOST_AT_ONCE = 400;

async function generate(order: GeneratorOrder): Promise<GeneratorReport> {
  const load = new Load(order);
  await load.openReaders();
  process.send?.('ready');
  const beganAtMs = performance.now();
  const seconds = () => (performance.now() - beganAtMs) / 1000;
  let sent = 0;
  let atOnce = 0;
  const isOver = () => seconds() >= order.seconds;
  const callOnce = async () => {
    sent += 1;
    atOnce += 1;
    await load.call();
    atOnce -= 1;
  };
  while (!isOver()) {
    const due = order.rate === undefined ? Infinity : Math.floor(seconds() * order.rate);
    const count = Math.min(due - sent, MOST_AT_ONCE - atOnce);
    for (let each = 0; each < count; each += 1) void callOnce();
    await delay(TICK_MS);
  }
  const callsPerSecond = Math.round(sent / seconds());
  const { outcomes, mostReaders } = load;
  load.stop();
  return { outcomes, mostReaders, callsPerSecond };
}

process.once('message', (order: GeneratorOrder) => {
  void generate(order).then((report) => {
    process.send?.(report, () => process.exit(0));
    return report;
  });
});
process.once('disconnect', () => process.exit(1));
