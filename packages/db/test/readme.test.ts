import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { openEmptyDatabase, openTestDatabase } from '../src/testing.ts';
import { foreignTables } from './foreign-app.ts';
import { onDatabase } from './migrations.ts';
import { HISTORY_SAYS, readExamples } from './readme-examples.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

const runExample = async (example: string, url: string) => {
  const args = ['--input-type=module-typescript', '-e', example];
  const env = { ...process.env, DATABASE_URL: url };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
  return stdout.trim().split('\n');
};

test('the example of the README runs as it stands', async () => {
  const readme = await readFile(`${folder}/README.md`, 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const database = await openTestDatabase();
  expect(await runExample(example, database.url)).toEqual([
    'user: How do I brew coffee?',
    'assistant: 1. Grind. 2. Pour. 3. Wait.',
    'user: Make it shorter.',
  ]);
  await database.close();
});

test('the example of the history alone runs as it stands, on tables of an app', async () => {
  const { 'schema.ts': schema = '', 'main.ts': main = '' } = await readExamples();
  const whole = main.replace(/import .* from '\.\/schema\.js';/, schema); // one file, for here there is no folder of theirs
  const database = await openEmptyDatabase();
  await onDatabase(database.url, foreignTables);
  expect(await runExample(whole, database.url)).toEqual(HISTORY_SAYS);
  await database.close();
});
