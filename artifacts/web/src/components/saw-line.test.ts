import { expect, test } from 'vitest';

import { sawLine } from './saw-line.ts';

const shown = { messages: 0, tokens: 0, dropped: 0, recalled: 0, clipped: false };

test.each([
  [{}, 'saw no earlier messages'],
  [{ messages: 1 }, 'saw 1 earlier message'],
  [{ messages: 4 }, 'saw 4 earlier messages'],
  [{ dropped: 1 }, 'saw no earlier messages; 1 not shown'],
  [{ messages: 8, dropped: 320 }, 'saw 8 earlier messages; 320 not shown'],
  [{ messages: 13, recalled: 5, dropped: 320 }, 'saw 8 messages and 5 from earlier; 320 not shown'],
  [{ messages: 2, recalled: 1 }, 'saw 1 message and 1 from earlier'],
  [{ messages: 1, recalled: 1 }, 'saw 1 message from earlier'],
  [{ messages: 2, clipped: true }, 'saw 2 earlier messages, a long one shortened'],
  [
    { messages: 3, recalled: 1, dropped: 4, clipped: true },
    'saw 2 messages and 1 from earlier, a long one shortened; 4 not shown',
  ],
])('%j', (history, line) => {
  expect(sawLine({ ...shown, ...history })).toBe(line);
});

test('a server of the version before says nothing of recall and clipping', () => {
  expect(sawLine({ messages: 8, dropped: 2 })).toBe('saw 8 earlier messages; 2 not shown');
});
