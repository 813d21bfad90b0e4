import fc from 'fast-check';
import { expect, test } from 'vitest';

import { lexBlocks } from './bounded-lexer.ts';
import { GrowingLexer } from './growing-lexer.ts';

const BLOCKS = [
  'A paragraph, *of* words\nin two lines.',
  '# A heading',
  'Another heading\n===',
  '- one\n- two\n\n- three\n\n  of two paragraphs',
  '1. first\n2. second',
  '```ts\nconst a = 1;\n\n# no heading\n```',
  '    indented code',
  '> quoted\n> twice\nand on',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '---',
  '<div>\n\nhtml',
  'line\r\nends',
];

const shapeOf = (text: string, lexer = { lex: lexBlocks }) =>
  lexer
    .lex(text)
    .filter(({ type }) => type !== 'space')
    .map(({ type, raw }) => [type, raw.trim()]);

test('a text that grew is lexed as if it had been there at once', () => {
  const document = fc.array(fc.constantFrom(...BLOCKS), { minLength: 1, maxLength: 12 }).map((all) => all.join('\n\n'));
  fc.assert(
    fc.property(document, fc.integer({ min: 1, max: 30 }), (text, step) => {
      const lexer = new GrowingLexer();
      for (let end = step; end < text.length; end += step) lexer.lex(text.slice(0, end));
      expect(shapeOf(text, lexer)).toEqual(shapeOf(text));
    }),
  );
});

test('another text begins anew', () => {
  const lexer = new GrowingLexer();
  lexer.lex('one\n\ntwo\n\nthree\n\nfour');
  expect(shapeOf('# else', lexer)).toEqual(shapeOf('# else'));
});

test('what is finished is the same block each time', () => {
  const lexer = new GrowingLexer();
  const [first] = lexer.lex('one\n\ntwo\n\nthree\n\nfour');
  expect(lexer.lex('one\n\ntwo\n\nthree\n\nfour\n\nfive')[0]).toBe(first);
});
