import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ThinkTags } from './think-tags.ts';

function read(pieces: readonly string[]): { text: string; reasoning: string } {
  const tags = new ThinkTags();
  const said = { text: '', reasoning: '' };
  for (const event of [...pieces.flatMap((piece) => tags.push(piece)), ...tags.end()]) {
    if (event.type === 'text' || event.type === 'reasoning') said[event.type] += event.text;
  }
  return said;
}

const cuts = fc.array(
  fc.constantFrom('<think>', '</think>', '<', '>', '</', 'think', 'a', ' ', '\n', '<THINKING>', '</thinking>'),
  {
    maxLength: 12,
  },
);

test('a text is read alike however it is cut', () => {
  fc.assert(
    fc.property(cuts, (parts) => {
      const text = parts.join('');
      expect(read(Array.from(text))).toEqual(read([text]));
    }),
  );
});

test('white space alone is not held back for ever', () => {
  const tags = new ThinkTags();
  const events = Array.from({ length: 5000 }, () => tags.push('\n')).flat();
  expect(events.map((event) => (event.type === 'text' ? event.text : '')).join('')).toBe('\n'.repeat(5000));
});

test('a text without a tag at its beginning is as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      fc.pre(!/^[<[◁]/.test(text.trimStart()));
      expect(read(Array.from(text))).toEqual({ text, reasoning: '' });
    }),
  );
});
