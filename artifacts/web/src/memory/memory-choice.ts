/** The level chosen for each session: kept in this browser, apart from everything else, and in every tab the same. */
import { forgetMemory, readItem, writeItem } from '../storage.ts';
import { Store } from '../store.ts';
import { type MemoryLevel, memoryLevels } from './memory-levels.ts';

const PREFIX = 'timmy.memory.';
const changes = new Store(0);
const tellChange = () => changes.set(changes.get() + 1);

globalThis.addEventListener?.('storage', ({ key }) => {
  if (key !== null && !key.startsWith(PREFIX)) return;
  if (key !== null) forgetMemory(key);
  tellChange();
});

export function memoryLevelOf(id: string): Pick<Store<MemoryLevel>, 'get' | 'subscribe'> {
  return { get: () => readLevel(id), subscribe: changes.subscribe };
}

/** What is normal needs no keeping. */
export function chooseMemory(id: string, level: MemoryLevel): void {
  writeItem(PREFIX + id, level === 'normal' ? undefined : level);
  tellChange();
}

export const dropMemoryChoice = (id: string): void => chooseMemory(id, 'normal');

function readLevel(id: string): MemoryLevel {
  const kept = readItem(PREFIX + id);
  return memoryLevels.find((level) => level === kept) ?? 'normal';
}
