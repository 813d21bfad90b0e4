import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readEvents } from './read-events.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function read(pieces: readonly Uint8Array[]) {
  const lists = await Array.fromAsync(readEvents(ReadableStream.from(pieces)));
  return lists.flat();
}

const fields = fc.constantFrom(
  'data: {"a":"é 世界 👩‍💻"}',
  'data:{"b":1}',
  '\ufeffdata: {"c":1}',
  ' Data : {"d":1}',
  'data: data: {"e":1}',
  ' \ufeff',
  'data: [DONE]',
  'data: ping',
  ': comment',
  'event: error',
  'Event : done',
  'error: {"f":1}',
  'event: news',
  'id: 1',
  '',
  '',
);
const ends = fc.constantFrom('\n', '\r\n', '\r');

describe('the events of a body', () => {
  test('are the same wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fields, { minLength: 1, maxLength: 15 }),
        ends,
        fc.array(fc.nat({ max: 400 })),
        async (lines, end, at) => {
          const all = bytes(lines.join(end));
          const places = [0, ...at.filter((place) => place < all.length).toSorted((a, b) => a - b), all.length];
          const pieces = places.slice(1).map((place, n) => all.subarray(places[n], place));
          expect(await read(pieces)).toEqual(await read([all]));
        },
      ),
    );
  });

  test('that say nothing are signs of life', async () => {
    const lists = await Array.fromAsync(
      readEvents(ReadableStream.from([' ', ': one\n\n', 'data: {"a":1', '}\n\n'].map(bytes))),
    );
    expect(lists.slice(0, 4)).toEqual([[], [], [], [{ name: undefined, json: { a: 1 } }]]);
  });

  test('of a JSON body that grows are read in bounded time', async () => {
    const pieces = Array.from({ length: 2000 }, (_, n) => bytes(`${n === 0 ? '[' : ','}{"a":"${'x'.repeat(4000)}"}`));
    const startedAt = performance.now();
    expect(await read([...pieces, bytes(']')])).toHaveLength(2001);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('that never end are given up on, once', async () => {
    const piece = bytes('x'.repeat(1024 * 1024));
    const events = await read([bytes('data: {"a":"'), ...Array.from({ length: 40 }, () => piece)]);
    expect(events).toEqual([expect.objectContaining({ message: 'event_too_long' })]);
  });
});
