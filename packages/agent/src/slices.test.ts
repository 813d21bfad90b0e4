import { performance } from 'node:perf_hooks';

import { describe, expect, test } from 'vitest';

import { inSlices } from './slices.ts';
import { countTokens, countTokensAtOnce } from './tokens.ts';

const LONG = Array.from({ length: 100_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join('');

/** The longest that the work kept the event loop for, in ms, by what a callback that always wants to run sees. */
async function longestWait(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const watch = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(watch);
  };
  setImmediate(watch);
  await work();
  running = false;
  return Math.max(longest, performance.now() - last);
}

function* burn(ms: number, steps: number): Generator<void, string> {
  for (let step = 0; step < steps; step += 1) {
    const endsAt = performance.now() + ms;
    while (performance.now() < endsAt);
    yield;
  }
  return 'done';
}

describe('work in slices', () => {
  test('keeps the event loop for a fraction of what it takes at once', async () => {
    const startedAt = performance.now();
    countTokensAtOnce(LONG);
    const atOnce = performance.now() - startedAt;
    // On a busy machine any turn may take long: the best of a few tries tells what the work does.
    const waits: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) waits.push(await longestWait(() => countTokens(LONG)));
    expect(Math.min(...waits)).toBeLessThan(Math.max(atOnce / 4, 20));
  });

  test('of many callers shares one slice a turn', async () => {
    const all = () => Promise.all(Array.from({ length: 10 }, () => countTokens(LONG.slice(0, 20_000))));
    const waits: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) waits.push(await longestWait(all));
    expect(Math.min(...waits)).toBeLessThan(25);
  });

  test('lets what is short pass what is long', async () => {
    const order: string[] = [];
    const long = inSlices(burn(1, 200)).then(() => order.push('long'));
    const short = inSlices(burn(1, 1)).then(() => order.push('short'));
    await Promise.all([long, short]);
    expect(order).toEqual(['short', 'long']);
  });

  test('gives what the steps return, and throws what they throw, without stopping the others', async () => {
    const broken = new Error('broken');
    const failing = inSlices(
      (function* fail(): Generator<void, never> {
        yield;
        throw broken;
      })(),
    );
    const fine = inSlices(burn(0, 3));
    await expect(failing).rejects.toBe(broken);
    expect(await fine).toBe('done');
  });
});
