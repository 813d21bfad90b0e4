/** From starting the server's process to its first answer, with its own PostgreSQL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { compare, type Measurement } from './measurement.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const PREFLIGHT = fileURLToPath(new URL('../../scripts/preflight.mjs', import.meta.url));
const MAIN = fileURLToPath(import.meta.resolve('@timmy-tower/api-server/main.ts'));

export const startup: Measurement = {
  name: 'startup',
  title: 'Start-up of the server process (its own PostgreSQL, without pnpm), until GET /readyz is answered',
  async run({ quick, progress }) {
    const cold: number[] = [];
    const warm: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      progress(`round ${round + 1}`);
      await using directory = await temporaryDirectory();
      cold.push(await timeStart(directory.path));
      warm.push(await timeStart(directory.path));
    }
    const unit = 'ms';
    return [
      compare({ name: 'cold: a new data directory', unit, of: { name: 'cold', values: cold } }),
      compare({ name: 'warm: stopped before', unit, of: { name: 'warm', values: warm } }),
    ];
  },
};

/** Starts the server, waits for its first answer and stops it again. */
async function timeStart(directory: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', PREFLIGHT, MAIN], {
    cwd: directory,
    env: { PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  try {
    const url = await addressIn(createInterface(child.stdout));
    const { status } = await fetch(`${url}/readyz`);
    if (status !== 200) throw new Error(`the server is not ready: ${status}`);
    return performance.now() - startedAt;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** @throws {Error} when the output ends without an address */
async function addressIn(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const url = /running at (\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('the server ended without saying where it runs');
}
