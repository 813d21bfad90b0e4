/** The browser's storage; where it is forbidden or full, the tab's memory, so that the page works until it is closed. */
const memory = new Map<string, string | undefined>();

export function readItem(name: string): string | undefined {
  return memory.has(name) ? memory.get(name) : readStored(name);
}

/** What is there after this tab is closed. */
export function readStored(name: string): string | undefined {
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
  } catch {
    // Forbidden or full: what can be read back tells.
  }
  if (readStored(name) === value) memory.delete(name);
  else memory.set(name, value);
}

/** What was written last is there after this tab is closed. */
export const isStored = (name: string): boolean => !memory.has(name);

/** Another tab wrote it: what this one remembered instead is older. */
export function forgetMemory(name: string): void {
  memory.delete(name);
}

/** Asks the browser not to throw things away when it needs room. Some decide by themselves, some ask; none has to. */
export function askToKeep(): void {
  // Missing in pages that are not secure.
  navigator.storage?.persist?.().catch(() => {});
}
