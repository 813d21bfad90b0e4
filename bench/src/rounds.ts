/**
 * Contenders take turns, round by round (A, B, A, B, …): what the rest of the machine does in the meantime hits all of them
 * alike, and the ratios stay honest where the times do not.
 */
import type { Series } from './measurement.ts';
import { median } from './statistics.ts';

export interface Contender {
  readonly name: string;
  /** Runs one round and gives its figure. */
  readonly round: () => Promise<number>;
}

export interface Rounds {
  /** Run first, and thrown away. */
  readonly warmUps: number;
  readonly rounds: number;
}

/** @returns a series for each contender, in their order */
export async function alternate(contenders: readonly Contender[], { warmUps, rounds }: Rounds): Promise<Series[]> {
  const series = contenders.map(({ name }) => ({ name, values: new Array<number>() }));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const value = await contender.round();
      if (round >= 0) series[index]!.values.push(value);
    }
  }
  return series;
}

/** A round of calls, one after the other. @returns the median time of one, in milliseconds */
export async function timeCalls(calls: number, call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < calls; index += 1) {
    const startedAt = performance.now();
    await call();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** A round of workers that each call again and again until the time is up. @returns calls per second, of all together */
export async function countCalls(forMs: number, workers: readonly (() => Promise<unknown>)[]): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  await Promise.all(
    workers.map(async (call) => {
      while (performance.now() - startedAt < forMs) {
        await call();
        calls += 1;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - startedAt);
}

/** Gives the items one after the other, from the start again after the last. */
export function cycle<T>(items: readonly T[]): () => T {
  let next = 0;
  return () => items[next++ % items.length]!;
}
