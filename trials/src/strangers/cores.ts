/** Which processor core what runs on, where `taskset` (util-linux) can say so. What a process starts afterwards inherits it. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the server and PostgreSQL run. */
export const SERVER_CORE = 1;
/** Where the strangers and the payer run. */
export const GENERATOR_CORE = 0;

/** Moves all of this process to a core. @returns whether that could be done */
export async function moveToCore(core: number): Promise<boolean> {
  if (availableParallelism() < 2 && core === SERVER_CORE) return false;
  try {
    await run('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(process.pid)]);
    return true;
  } catch {
    return false;
  }
}
