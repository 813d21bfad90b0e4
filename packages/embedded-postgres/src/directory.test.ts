import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { cleanUp, newDirectory, open } from './fixture.ts';

afterEach(cleanUp);

test('data without its password is not initialised again', async () => {
  const directory = newDirectory();
  await mkdir(join(directory, '18'), { recursive: true });
  await writeFile(join(directory, '18', 'PG_VERSION'), '18\n');
  await expect(open(directory)).rejects.toThrow(/its password, .*password, is not/);
});

test("another major version's data is refused, naming both and the way out", async () => {
  const directory = newDirectory();
  await mkdir(join(directory, '17'), { recursive: true });
  await writeFile(join(directory, '17', 'PG_VERSION'), '17\n');
  await expect(open(directory)).rejects.toMatchObject({
    message: expect.stringMatching(/PostgreSQL 17.*PostgreSQL 18.*pg_dumpall.*move/s),
    fields: { found: '17', needed: '18' },
  });
  expect(readdirSync(directory)).toEqual(['17']);
});
