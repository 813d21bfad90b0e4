import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Binds this process, and with it all that it starts, to one core. On two, Node and PostgreSQL wake each other up with each
 * call, and that takes as long as a short statement: ratios of the same code then came out anywhere between 1.2 and 2.
 * @returns where it runs, for the report
 */
export async function bindToOneCore(): Promise<string> {
  try {
    const core = await lastAllowedCore();
    await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', core, String(process.pid)]);
    return 'bound to one core';
  } catch {
    return 'on all cores: without Linux and its taskset the ratios swing';
  }
}

/** The kernel names what we may run on as `0-3,8`: proc_pid_status(5), Cpus_allowed_list. */
async function lastAllowedCore(): Promise<string> {
  const status = await readFile('/proc/self/status', 'utf8');
  const core = /^Cpus_allowed_list:.*?(\d+)$/m.exec(status)?.[1];
  if (core === undefined) throw new Error('/proc/self/status does not say which cores there are');
  return core;
}
