import { describe, expect, test } from 'vitest';

import { inSlices } from './slices.ts';
import { countTokens } from './tokens.ts';

/** How many turns of the event loop there were while the work ran. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let running = true;
  const turn = () => {
    turns += 1;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  running = false;
  return turns;
}

/** Takes at least so long for each of its steps. */
function* burn(ms: number, steps: number, onStep = () => {}): Generator<void, string> {
  for (let step = 0; step < steps; step += 1) {
    const endsAt = performance.now() + ms;
    while (performance.now() < endsAt);
    onStep();
    yield;
  }
  return 'done';
}

describe('work in slices', () => {
  test('lets others run after a few milliseconds, however many callers there are', async () => {
    const stepsByTurn = new Map<number, number>();
    let turn = 0;
    let running = true;
    const nextTurn = () => {
      turn += 1;
      if (running) setImmediate(nextTurn);
    };
    setImmediate(nextTurn);
    const note = () => void stepsByTurn.set(turn, (stepsByTurn.get(turn) ?? 0) + 1);
    await Promise.all(Array.from({ length: 10 }, () => inSlices(burn(1, 10, note))));
    running = false;
    expect([...stepsByTurn.values()].reduce((sum, steps) => sum + steps)).toBe(100);
    // Of a millisecond each, on any machine.
    expect(Math.max(...stepsByTurn.values())).toBeLessThanOrEqual(5);
  });

  test('is how a long text is counted: nobody waits for all of it', async () => {
    const text = Array.from({ length: 100_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join(
      '',
    );
    expect(await turnsDuring(() => countTokens(text))).toBeGreaterThan(10);
    expect(await turnsDuring(() => Promise.all([countTokens(text), countTokens(text)]))).toBeGreaterThan(20);
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
