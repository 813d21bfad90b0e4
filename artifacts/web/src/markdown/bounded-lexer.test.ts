import type { Token, Tokens } from 'marked';
import { expect, test } from 'vitest';

import { lexBlocks } from './bounded-lexer.ts';

/** What was found, flat: `type` or `type:text` where there is no more in it. */
const found = (text: string): string[] => lexBlocks(text).flatMap((token) => describeToken(token));

function describeToken(token: Tokens.Generic): string[] {
  if (token.type === 'space') return [];
  const inside: Token[] = (token.type === 'list' ? token['items'] : token.tokens) ?? [];
  if (inside.length > 0) return inside.flatMap((each) => describeToken(each).map((one) => `${token.type} ${one}`));
  return [`${token.type}:${token['text'] ?? ''}`];
}

test.each([
  String.raw`\(x\,dx\)`,
  String.raw`\( \{a_1, b_1\} \)`,
  String.raw`\[ a*b*c \]`,
  String.raw`$$\int_0^1 x\,dx$$`,
  '$E=mc^2$',
  String.raw`$\{a\}$`,
  String.raw`$a*b*c$`,
  String.raw`\(a
b\)`,
])('math is left as it was written: %j', (math) => {
  expect(found(`So ${math} it *is*.`)).toEqual([
    'paragraph text:So ',
    `paragraph math:${math}`,
    'paragraph text: it ',
    'paragraph em text:is',
    'paragraph text:.',
  ]);
});

test('what surrounds math does not meet what is in it', () => {
  expect(found(String.raw`2*3 \(a*b\) **of \(c*d\) all**`)).toEqual([
    'paragraph text:2*3 ',
    String.raw`paragraph math:\(a*b\)`,
    'paragraph text: ',
    'paragraph strong text:of ',
    String.raw`paragraph strong math:\(c*d\)`,
    'paragraph strong text: all',
  ]);
});

test.each([
  ['$$\na &= b \\\\\n- c\n= d\n$$'],
  [
    String.raw`\[
\begin{aligned}
# a
\end{aligned}
\]`,
  ],
])('a block of math holds lines that would be lists and headings elsewhere: %j', (math) => {
  expect(found(`Thus:\n${math}\nDone.`)).toEqual(['paragraph text:Thus:', `math:${math}`, 'paragraph text:Done.']);
});

test.each([
  ['It costs $5 or $10, *not* $20.', 'em text:not'],
  ['`$x` and *so* on `$y`', 'em text:so'],
  [String.raw`\\(a *b* c\\)`, 'em text:b'],
  ['$HOME and *then* $PATH', 'em text:then'],
  ['$$ open *and* never closed', 'em text:and'],
])('%j has no math in it', (text, emphasis) => {
  expect(found(text)).toContain(`paragraph ${emphasis}`);
  expect(found(text).join()).not.toContain('math');
});

test.each(['~3~5', 'H~2~O', '~a~'])('one tilde strikes nothing: %j', (text) => {
  expect(found(text).join()).not.toContain('del');
});

test('two tildes strike', () => {
  expect(found('a ~~b~~ c')).toEqual(['paragraph text:a ', 'paragraph del text:b', 'paragraph text: c']);
});

const times = (text: string, count: number) => text.repeat(count);

/** Each took marked between a fifth of a second and forever. */
const HOSTILE: Record<string, string> = {
  'a word': times('x', 50_000),
  'a word of dots': `${times('a.', 25_000)}@`,
  'a word of stars': times('a*', 25_000),
  stars: times('*', 20_000),
  'opened stars': times('**a', 20_000),
  brackets: times('[', 10_000),
  'opened links': times('[a](', 15_000),
  links: times('[a](https://example.org) ', 4000),
  addresses: times('https://example.org/a ', 5000),
  'an address of entities': `https://example.org/${times('&amp;', 10_000)}`,
  tags: times('<', 50_000),
  tildes: times('~~a ', 20_000),
  'quotes in quotes': `${times('>', 5000)} x`,
  'lists in lists': `${times('- ', 5000)}x`,
  'numbers in numbers': `${times('1. ', 5000)}x`,
  'lists in quotes': `${times('> - ', 5000)}x`,
  'deeper and deeper': Array.from({ length: 300 }, (_, depth) => `${times('  ', depth)}- a`).join('\n'),
  items: times('- a\n', 20_000),
  paragraphs: times('a\n\n', 30_000),
  headings: times('# a\n', 20_000),
  'a long table': `| a | b |\n|---|---|\n${times('| 1 | *x* |\n', 3000)}`,
  'a wide table': `${times('|a', 3000)}|\n${times('|-', 3000)}|\n${times('|1', 3000)}|`,
  'opened math': times(String.raw`\(a `, 15_000),
  dollars: times('$a ', 20_000),
  'opened blocks of math': times('$$\na\n\n', 8000),
  definitions: times('[a]: b\n', 10_000),
  prose: times('Some **words** and `code` with a [link](https://example.org) to read.\n\n', 1500),
};

test.each(Object.keys(HOSTILE))('%s: no time is lost, and no word', (name) => {
  const text = HOSTILE[name]!;
  lexBlocks(text);
  const began = performance.now();
  const tokens = lexBlocks(text);
  // 70 ms at most on a quiet machine.
  expect(performance.now() - began).toBeLessThan(1000);
  expect(tokens.map(({ raw }) => raw).join('')).toBe(text);
  expect(countTokens(tokens)).toBeLessThan(60_000);
});

function countTokens(tokens: readonly Token[]): number {
  const rows = (token: Tokens.Generic) => (token.type === 'table' ? token['rows'].flat() : []);
  const inside = (token: Tokens.Generic): Token[] => [
    ...(token.tokens ?? []),
    ...(token['items'] ?? []),
    ...rows(token),
  ];
  let count = 0;
  for (let level = [...tokens]; level.length > 0; level = level.flatMap(inside)) count += level.length;
  return count;
}

test('what is too much is plain, and what comes before and after it is not', () => {
  const text = `# Before\n\n${times('a*', 20_000)}\n\n*After*`;
  expect(found(text)).toEqual([
    'heading text:Before',
    `paragraph plain:${times('a*', 20_000)}`,
    'paragraph em text:After',
  ]);
});

test('a table of 3,000 rows begins as a table', () => {
  const [table]: Tokens.Generic[] = lexBlocks(HOSTILE['a long table']!);
  expect(table?.type).toBe('table');
  expect(table?.['rows']).toHaveLength(300);
});

test('a list is numbered on where it was read in two parts', () => {
  const text = Array.from({ length: 700 }, (_, index) => `${index + 1}. a`).join('\n');
  const lists: Tokens.Generic[] = lexBlocks(text).filter(({ type }) => type === 'list');
  expect(lists.map((list) => list['start'])).toEqual([1, 501]);
});
