/** The commands of this repository: none passes over what it was asked for and does not know. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

import { expect, test, vi } from 'vitest';

// Each is a process of its own, which takes seconds where the processors are busy.
vi.setConfig({ testTimeout: 180_000 });

const root = fileURLToPath(new URL('../../..', import.meta.url));

async function run(program: string, parameters: readonly string[]) {
  const child = spawn(process.execPath, [`${root}/${program}`, ...parameters], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  }
  const [code] = await once(child, 'close');
  return { code: Number(code), text };
}

test.each([
  ['scripts/check-licences.mjs', '--nonsense'],
  ['scripts/browser-tests.mjs', '--nonsense'],
  ['scripts/steady-tests.mjs', '--nonsense'],
  ['scripts/steady-tests.mjs', '--only=nonsense'],
  ['artifacts/api-server/scripts/generate-docs.ts', '--chekc'],
  ['packages/db/scripts/pack-history.ts', '--nonsense'],
  ['bench/src/main.ts', '--nonsense'],
  ['bench/src/main.ts', '--only=history', '--only=nonsense'],
  ['trials/src/main.ts', '--nonsense'],
  ['trials/src/freeze/main.ts', '--nonsense'],
  ['trials/src/strangers/main.ts', '--nonsense'],
  ['trials/src/upgrade/main.ts', '--nonsense'],
])('%s %s is refused, with how to write it', async (program, ...parameters) => {
  const { code, text } = await run(program, parameters);
  expect({ code, text }).toEqual({
    code: 2,
    text: expect.stringMatching(/^.*nonsense.*\nUsage: |^.*chekc.*\nUsage: |^--only .*\nUsage: /),
  });
  expect(text).not.toMatch(/^\s+at /m);
});
