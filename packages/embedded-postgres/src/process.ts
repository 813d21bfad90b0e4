// What the operating system and PostgreSQL's own postmaster.pid say about a server that runs in a data directory.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The parts of `postmaster.pid` that matter here (PostgreSQL 18, `src/include/utils/pidfile.h`): line 1, 4 and 8.
 * A server that was killed leaves the file behind, so what it says has to be checked.
 */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'ready' | 'stopping';
}

export function readPidFile(dataDirectory: string, name = 'postmaster.pid'): PidFile | undefined {
  const lines = readIfThere(join(dataDirectory, name))?.split('\n') ?? [];
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10));
  if (!(pid > 0)) return undefined;
  const status = lines[7]?.trim();
  return {
    pid,
    port: Number.parseInt(lines[3] ?? '', 10) || 0,
    status: status === 'ready' || status === 'stopping' ? status : 'starting',
  };
}

/** Whether the process exists. A zombie is as good as gone: where nobody reaps (pid 1 of a container), it stays for ever. */
export function isRunning(pid: number): boolean {
  // The name in parentheses may hold anything, parentheses too.
  return exists(pid) && readIfThere(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '')[0] !== 'Z';
}

/** As PostgreSQL asks when it finds a `postmaster.pid`: a zombie counts. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Whether the process is a PostgreSQL that serves this very directory, not a copy of it.
 * A server's working directory is its data directory, which Linux tells; elsewhere its command line names it.
 * Undefined: it is a PostgreSQL, but its directory is not known.
 */
export function isServing(pid: number, dataDirectory: string): boolean | undefined {
  if (!isRunning(pid)) return false;
  if (process.platform === 'linux') return commandOnLinux(pid) === 'postgres' && isWorkingIn(pid, dataDirectory);
  const command = commandElsewhere(pid);
  return command.includes('postgres') && (command.includes(` ${dataDirectory} `) || undefined);
}

const commandOnLinux = (pid: number) => readIfThere(`/proc/${pid}/comm`)?.trim();

/** A process that we may not look into is not one that we started. */
function isWorkingIn(pid: number, directory: string): boolean {
  try {
    const theirs = statSync(`/proc/${pid}/cwd`);
    const ours = statSync(directory);
    return theirs.dev === ours.dev && theirs.ino === ours.ino;
  } catch {
    return false;
  }
}

function commandElsewhere(pid: number): string {
  try {
    return execFileSync('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/** Asks every few milliseconds until there is an answer. Undefined when the time is up. */
export async function waitFor<T>(answer: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = answer();
    if (value !== undefined || Date.now() >= deadline) return value;
    await delay(15);
  }
}

/** True once the process is gone, false when the time is up. */
export const waitUntilGone = async (pid: number, timeoutMs: number): Promise<boolean> =>
  (await waitFor(() => !isRunning(pid) || undefined, timeoutMs)) ?? false;

/** Sends a signal to a process that may be gone already. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** The code of an error of Node's own (ENOENT) or of PostgreSQL's (28P01). */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
