import { describe, expect, test } from 'vitest';

import { loadConfig } from './config.ts';

describe('CORS_ORIGINS', () => {
  const read = (CORS_ORIGINS: string) => loadConfig({ CORS_ORIGINS }).settings.CORS_ORIGINS;

  test('is nobody, a list of origins, or everybody', () => {
    expect(loadConfig({}).settings.CORS_ORIGINS).toEqual([]);
    expect(read('https://a.example, http://127.0.0.1:5173')).toEqual(['https://a.example', 'http://127.0.0.1:5173']);
    expect(read('*')).toEqual(['*']);
  });

  test.each([
    'https://a.example/',
    'https://a.example/app',
    'https://a.example:443',
    'https://A.example',
    'a.example',
    'null',
    'https://*.example',
    'ftp://a.example',
    '*, https://a.example',
    'https://a.example https://b.example',
    'https://a.example,',
    'https://user:word@a.example',
  ])('is refused as %s', (origins) => {
    expect(() => read(origins)).toThrow(/CORS_ORIGINS: must be \* alone, or origins like/);
  });
});
