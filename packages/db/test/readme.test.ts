import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { openTestDatabase } from '../src/testing.ts';

test('the example of the README runs as it stands', async () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const readme = await readFile(`${folder}/README.md`, 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const database = await openTestDatabase();

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', example], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: database.url },
  });

  expect(stdout.trim().split('\n')).toEqual([
    'user: How do I brew coffee?',
    'assistant: 1. Grind. 2. Pour. 3. Wait.',
    'user: Make it shorter.',
  ]);
  await database.close();
});
