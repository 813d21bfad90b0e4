import { expect, test } from 'vitest';

import { parseBaseUrl, withSearch } from './base-url.ts';

test.each([
  ['http://host/v1', 'http://host/v1', ''],
  ['http://host/v1/', 'http://host/v1', ''],
  ['http://host/v1//', 'http://host/v1', ''],
  [' http://host/v1 ', 'http://host/v1', ''],
  ['http://host', 'http://host', ''],
  ['http://host:8080/a/b/v1', 'http://host:8080/a/b/v1', ''],
  ['http://host/v1?api-version=1', 'http://host/v1', '?api-version=1'],
  ['http://host/v1/?api-version=1&b=c%20d', 'http://host/v1', '?api-version=1&b=c%20d'],
  ['http://host/v1?api-version=1#part', 'http://host/v1', '?api-version=1'],
  ['http://host/v1#part', 'http://host/v1', ''],
  ['http://host/v1?', 'http://host/v1', ''],
  ['http://host/v1/chat/completions', 'http://host/v1', ''],
  ['http://host/v1/chat/completions/', 'http://host/v1', ''],
  ['http://host/v1/chat/completions?api-version=1', 'http://host/v1', '?api-version=1'],
  ['http://host/v1/responses', 'http://host/v1', ''],
  ['HTTPS://Host/v1', 'https://host/v1', ''],
])('%s is %s and %s', (text, baseURL, search) => {
  expect(parseBaseUrl('SETTING', text)).toEqual({ baseURL, search });
});

test('what is no base URL is refused by the setting’s name, without repeating it', () => {
  for (const text of ['localhost:11434', 'ftp://host/v1', '/v1', 'http://user:secret@host/v1', 'http://']) {
    expect(() => parseBaseUrl('SETTING', text)).toThrow(/^SETTING must be an http or https URL/);
  }
});

test('a search follows the path, or the search that is there', () => {
  expect(withSearch('http://host/v1/x', '')).toBe('http://host/v1/x');
  expect(withSearch('http://host/v1/x', '?a=1')).toBe('http://host/v1/x?a=1');
  expect(withSearch('http://host/v1/x?b=2', '?a=1')).toBe('http://host/v1/x?b=2&a=1');
});
