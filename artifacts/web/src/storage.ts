/** The browser's storage; where it is forbidden or full, the tab's memory, so that the page works until it is closed. */
const memory = new Map<string, string | undefined>();

export function readItem(name: string): string | undefined {
  if (memory.has(name)) return memory.get(name);
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function writeItem(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

/** Another tab wrote it: what this one remembered instead is older. */
export function forgetMemory(name: string): void {
  memory.delete(name);
}
