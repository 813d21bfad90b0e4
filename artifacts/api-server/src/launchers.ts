/**
 * `npx -y pnpm@12 start` is a row of processes, and the signal that ends the first of them ends only that one: npx passes it
 * to a shell, which dies without telling pnpm. So what was started looks up from time to time whether the row still stands.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_MS = 1000;

interface Process {
  readonly parent: number;
  readonly command: string;
}

/** Calls back once when a package manager that started this process, or a shell between them, is gone. */
export function watchLaunchers(onGone: () => void): void {
  const launchers = findLaunchers(process.ppid);
  if (launchers.length === 0) return;
  const children = [process.pid, ...launchers.slice(0, -1)];
  const stands = () => launchers.every((launcher, index) => findProcess(children[index]!)?.parent === launcher);
  const timer = setInterval(() => {
    if (stands()) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS).unref();
}

/** From the nearest one up. What stands above the topmost package manager may come and go. */
function findLaunchers(nearest: number): number[] {
  const row: number[] = [];
  let top = 0;
  for (let pid = nearest; pid > 1;) {
    const found = findProcess(pid);
    if (!found) break;
    const isManager = MANAGER.test(found.command);
    if (!isManager && !SHELL.test(found.command)) break;
    row.push(pid);
    if (isManager) top = row.length;
    pid = found.parent;
  }
  return row.slice(0, top);
}

/** `npm exec …`, `pnpm start`, `node /usr/bin/npx …`, `node …/npm-cli.js …` */
const MANAGER = /^(\S*\/)?(node \S*\/)?(npm|npx|pnpm|yarn|corepack)(-cli)?(\.[cm]?js)?( |$)/;
const SHELL = /^(\S*\/)?(sh|ash|bash|dash|zsh) -c /;

const findProcess = (pid: number): Process | undefined =>
  process.platform === 'linux' ? findOnLinux(pid) : findElsewhere(pid);

function findOnLinux(pid: number): Process | undefined {
  try {
    // proc_pid_stat(5): the parent is the second field after the name, which is in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return { parent: Number(fields[1]), command };
  } catch {
    return undefined; // it is gone
  }
}

function findElsewhere(pid: number): Process | undefined {
  try {
    const line = execFileSync('/bin/ps', ['-ww', '-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' });
    const [parent, ...command] = line.trim().split(/\s+/);
    return { parent: Number(parent), command: command.join(' ') };
  } catch {
    return undefined;
  }
}
