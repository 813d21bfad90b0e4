import { expect, test } from 'vitest';

import { safeHref } from './safe-href.ts';

test('links lead to the web or to a mailbox', () => {
  expect(safeHref('https://example.org/a?b#c')).toBe('https://example.org/a?b#c');
  expect(safeHref('mailto:timmy@example.org')).toBe('mailto:timmy@example.org');
});

test.each([
  'javascript:alert(1)',
  ' JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  '/sessions',
  'file:///etc/passwd',
  '',
])('%j leads nowhere', (href) => {
  expect(safeHref(href)).toBeUndefined();
});
