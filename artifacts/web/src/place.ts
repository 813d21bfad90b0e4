/** Which session is shown: its id after the `#`. An id opens nothing without its key, and keys are never in a URL. */
import { useSyncExternalStore } from 'react';

const UUID = /^#\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export function showSession(id: string): void {
  location.hash = `#/${id}`;
}

export function showNewSession(): void {
  location.hash = '#/new';
}

const read = () => location.hash;

const subscribe = (listener: () => void) => {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
};

/** A session's id, `new`, or undefined when nothing was chosen. */
export function usePlace(): string | undefined {
  const hash = useSyncExternalStore(subscribe, read);
  return hash === '#/new' ? 'new' : UUID.exec(hash)?.[1];
}
