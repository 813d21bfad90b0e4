import { readFileSync } from 'node:fs';

const EVERY_MS = 250;

export interface MemoryUse {
  readonly firstMiB: number;
  readonly peakMiB: number;
  readonly lastMiB: number;
}

/** Watches what a process holds of the machine's memory. @returns a function that ends it and tells */
export function watchMemory(pid: number): () => MemoryUse {
  const firstMiB = residentMiB(pid);
  let peakMiB = firstMiB;
  const timer = setInterval(() => (peakMiB = Math.max(peakMiB, residentMiB(pid))), EVERY_MS);
  return () => {
    clearInterval(timer);
    return { firstMiB, peakMiB, lastMiB: residentMiB(pid) };
  };
}

/** proc_pid_status(5). 0 where there is none. */
function residentMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}
