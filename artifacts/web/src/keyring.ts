/** The sessions of this browser, with their keys: kept in its own storage, and in every tab the same. */
import { Store } from './store.ts';

export interface KeptSession {
  readonly id: string;
  readonly key: string;
  /** From the first message; empty before there is one. */
  readonly title: string;
  readonly balanceMsat: number;
  /** The highest balance seen: what a full meter means. */
  readonly peakMsat: number;
  readonly usedAt: string;
}

/** A turn that was sent and has not ended: enough to pick it up after a reload. */
export interface PendingTurn {
  readonly idempotencyKey: string;
  readonly content: string;
  readonly requestId?: string | undefined;
  /** Its sender was told so: it is sent again only when they ask. */
  readonly failed?: boolean;
}

const SESSIONS = 'timmy.sessions';
const pendingItem = (id: string) => `timmy.pending.${id}`;
const draftItem = (id: string) => `timmy.draft.${id}`;
const MAX_TITLE_LENGTH = 60;

const sessions = new Store<readonly KeptSession[]>(readSessions());
export const keptSessions: Pick<Store<readonly KeptSession[]>, 'get' | 'subscribe'> = sessions;

globalThis.addEventListener?.('storage', ({ key }) => {
  if (key === SESSIONS || key === null) sessions.set(readSessions());
});

export function findKept(id: string): KeptSession | undefined {
  return sessions.get().find((session) => session.id === id);
}

export function keepSession(id: string, key: string): void {
  if (findKept(id)) return updateKept(id, { key });
  const usedAt = new Date().toISOString();
  write([{ id, key, title: '', balanceMsat: 0, peakMsat: 0, usedAt }, ...readSessions()]);
}

export function updateKept(id: string, change: Partial<Omit<KeptSession, 'id' | 'peakMsat'>>): void {
  const all = readSessions();
  const kept = all.find((session) => session.id === id);
  if (!kept) return;
  const changed = { ...kept, ...change };
  const peakMsat = Math.max(kept.peakMsat, changed.balanceMsat);
  const next = { ...changed, title: changed.title.slice(0, MAX_TITLE_LENGTH), peakMsat };
  if (JSON.stringify(next) !== JSON.stringify(kept)) write(all.map((session) => (session.id === id ? next : session)));
}

export function dropKept(id: string): void {
  write(readSessions().filter((session) => session.id !== id));
  localStorage.removeItem(pendingItem(id));
  localStorage.removeItem(draftItem(id));
}

/** The session that a key opens, told by the key itself; undefined if it is no session key. */
export function sessionIdOf(key: string): string | undefined {
  if (!/^tt_[A-Za-z0-9_-]{64}$/.test(key)) return undefined;
  const bytes = atob(key.slice(3, 27).replaceAll('-', '+').replaceAll('_', '/'));
  const hex = Array.from({ length: 16 }, (_, index) => bytes.charCodeAt(index).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function readPending(id: string): PendingTurn | undefined {
  return readJson(pendingItem(id)) as PendingTurn | undefined;
}

export function writePending(id: string, pending: PendingTurn | undefined): void {
  writeItem(pendingItem(id), pending && JSON.stringify(pending));
}

export const readDraft = (id: string): string => localStorage.getItem(draftItem(id)) ?? '';
export const writeDraft = (id: string, draft: string): void => writeItem(draftItem(id), draft || undefined);

function readSessions(): readonly KeptSession[] {
  return (readJson(SESSIONS) as KeptSession[] | undefined) ?? [];
}

function write(all: readonly KeptSession[]): void {
  writeItem(SESSIONS, JSON.stringify(all));
  sessions.set(all);
}

function readJson(item: string): unknown {
  try {
    const text = localStorage.getItem(item);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A browser that lets nothing be stored still works, until the tab is closed. */
function writeItem(item: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(item);
    else localStorage.setItem(item, value);
  } catch {
    // Full or forbidden: the tab remembers.
  }
}
