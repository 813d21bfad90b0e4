import type { StreamEvent, TurnAnswer } from '@timmy-tower/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { collect, readEvents } from '../../test/harness.ts';
import { ReplyReader } from './reply-reader.ts';
import { ReplyText } from './reply-text.ts';
import { RunningReply } from './running-reply.ts';

const shown = { messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false };
const nobody = { join() {}, leave() {} };

/** What the reader of a reply is made of, as far as it matters here. */
function sourceOf(reply: RunningReply): ReplyReader {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing asks for the rest of its session
  const session = { id: 'a session' } as ConstructorParameters<typeof ReplyReader>[1]['session'];
  const options = { session, keyHash: Buffer.of(), network: '::1', response: undefined, open: () => reply };
  return new ReplyReader(nobody, options);
}

const readerOf = (reply: RunningReply) => new ReadableStream(sourceOf(reply), { highWaterMark: 0 });

/** A reader who takes an event when told to, and all that is left in the end. */
function readAlong(reply: RunningReply) {
  const events = readEvents(readerOf(reply));
  const taken: Promise<IteratorResult<StreamEvent, void>>[] = [];
  return {
    take: () => void taken.push(events.next()),
    async all() {
      const first = (await Promise.all(taken)).flatMap(({ value }) => value ?? []);
      return [...first, ...(await collect(events))];
    },
  };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it is made of matters to nobody here
const answer = { request: { id: 'a request' } } as TurnAnswer;
const step = fc.oneof(
  fc.record({ say: fc.string({ unit: 'binary', maxLength: 3 }) }),
  fc.constant({ say: '\uD83D' }),
  fc.constant({ say: '\uDE00' }),
  fc.record({ take: fc.nat(3) }),
  fc.constant({ join: true }),
);

test('whatever is said, whenever one joins and however slowly one reads, the deltas are the reply', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(40), async (steps, shownAt) => {
      const reply = new RunningReply('a request');
      const text = new ReplyText((piece) => reply.say(piece));
      const readers = [readAlong(reply)];
      for (const [n, what] of steps.entries()) {
        if (n === Math.min(shownAt, steps.length - 1)) reply.show(shown);
        if ('say' in what && reply.shown) text.add(what.say);
        if ('take' in what) readers[what.take % readers.length]!.take();
        if ('join' in what) readers.push(readAlong(reply));
        // oxlint-disable-next-line no-await-in-loop -- streams do their part now and then
        if (n % 3 === 0) await Promise.resolve();
      }
      if (!reply.shown) reply.show(shown);
      const said = text.end();
      reply.finish(answer);
      for (const reader of readers) {
        // oxlint-disable-next-line no-await-in-loop
        const events = await reader.all();
        expect([events[0]?.event, events.at(-1)?.event]).toEqual(['start', 'done']);
        const texts = events.slice(1, -1).map((event) => (event.event === 'delta' ? event.data.text : 'no delta'));
        expect(texts.join('')).toBe(said);
        expect(texts.filter((piece) => piece === '' || !piece.isWellFormed())).toEqual([]);
      }
    }),
  );
});

test('one who takes nothing is sent nothing, however much is said; then all of it at once', async () => {
  const reply = new RunningReply('a request');
  const events = readEvents(readerOf(reply));
  reply.show(shown);
  expect((await events.next()).value).toMatchObject({ event: 'start' });
  let said = '';
  for (let n = 0; n < 1000; n += 1) {
    said += `word ${n} `;
    reply.say(`word ${n} `);
  }
  expect((await events.next()).value).toEqual({ event: 'delta', data: { text: said } });
  reply.finish(answer);
  expect((await events.next()).value).toMatchObject({ event: 'done' });
  expect((await events.next()).done).toBe(true);
});

test('a reply that nobody reads any more says so, once the last has left', async () => {
  let unread = 0;
  const reply = new RunningReply('a request', () => (unread += 1));
  const readers = [readerOf(reply).getReader(), readerOf(reply).getReader()];
  const reads = readers.map((reader) => reader.read());
  await readers[0]!.cancel();
  expect(unread).toBe(0);
  await readers[1]!.cancel();
  expect(unread).toBe(1);
  expect(await Promise.all(reads)).toMatchObject([{ done: true }, { done: true }]);
});

test('one whose stream was ended while it waited is told nothing more, and the turn goes on', async () => {
  let unread = 0;
  const reply = new RunningReply('a request', () => (unread += 1));
  const source = sourceOf(reply);
  const read = new ReadableStream(source, { highWaterMark: 0 }).getReader().read();
  await new Promise(setImmediate); // it is asked for its first bytes
  source.end();
  expect((await read).done).toBe(true);
  reply.show(shown);
  reply.say('Once');
  expect(unread).toBe(1);
});
