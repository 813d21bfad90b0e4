import { expect, test } from 'vitest';

import { readServerEvents, type ServerEvent } from './server-events.ts';

async function read(...chunks: string[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  for await (const event of readServerEvents(body)) events.push(event);
  return events;
}

test('events are read however the stream is cut', async () => {
  const stream = 'event: start\ndata: {"a":1}\n\n: ping\n\nevent: delta\ndata: {"text":"é"}\n\n';
  const expected = [
    { event: 'start', data: '{"a":1}' },
    { event: 'delta', data: '{"text":"é"}' },
  ];
  expect(await read(stream)).toEqual(expected);
  expect(await read(...stream.split(''))).toEqual(expected);
});

test('an event that broke off is not one', async () => {
  expect(await read('event: done\ndata: {"ha')).toEqual([]);
});
