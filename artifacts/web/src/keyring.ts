/** The sessions of this browser, with their keys: kept in its own storage, and in every tab the same. */
import { serverNow } from './api/server-clock.ts';
import { cutText } from './graphemes.ts';
import { dropMemoryChoice } from './memory/memory-choice.ts';
import type { AskedMemory } from './memory/memory-levels.ts';
import { askToKeep, forgetMemory, isStored, readItem, readStored, writeItem } from './storage.ts';
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
  /** Of the body that its key stands for; a page of the version before said nothing of it. */
  readonly memory?: AskedMemory | undefined;
  readonly requestId?: string | undefined;
  /** Its sender was told so: it is sent again only when they ask. */
  readonly failed?: boolean;
  /** By the server itself. */
  readonly notCharged?: boolean;
}

const SESSIONS = 'timmy.sessions';
const pendingItem = (id: string) => `timmy.pending.${id}`;
const draftItem = (id: string) => `timmy.draft.${id}`;
const MAX_TITLE_LENGTH = 60;

const sessions = new Store<readonly KeptSession[]>(readSessions());
export const keptSessions: Pick<Store<readonly KeptSession[]>, 'get' | 'subscribe'> = sessions;

const unstored = new Store<readonly string[]>([]);
/** The ids of sessions whose key is gone when this tab is closed: the browser's storage is full or forbidden. */
export const unstoredSessions: Pick<Store<readonly string[]>, 'get' | 'subscribe'> = unstored;

/** Another tab changed the list. It knows nothing of the keys that only this one has. */
globalThis.addEventListener?.('storage', ({ key }) => {
  if (key !== SESSIONS && key !== null) return;
  const onlyHere = sessions.get().filter(({ id }) => unstored.get().includes(id));
  forgetMemory(SESSIONS);
  const stored = readSessions();
  const added = onlyHere.filter(({ id }) => !stored.some((session) => session.id === id));
  if (added.length > 0) write([...added, ...stored]);
  else noteSessions(stored);
});

export function findKept(id: string): KeptSession | undefined {
  return sessions.get().find((session) => session.id === id);
}

export function keepSession(id: string, key: string): void {
  askToKeep();
  if (findKept(id)) return updateKept(id, { key });
  write([newEntry(id, key), ...readSessions()]);
}

export function updateKept(id: string, change: Partial<Omit<KeptSession, 'id' | 'peakMsat'>>): void {
  const all = readSessions();
  const kept = all.find((session) => session.id === id);
  if (!kept) return;
  const changed = { ...kept, ...change };
  const peakMsat = Math.max(kept.peakMsat, changed.balanceMsat);
  const next = { ...changed, title: cutText(changed.title, MAX_TITLE_LENGTH), peakMsat };
  if (JSON.stringify(next) !== JSON.stringify(kept)) write(all.map((session) => (session.id === id ? next : session)));
}

export function dropKept(id: string): void {
  write(readSessions().filter((session) => session.id !== id));
  writeItem(pendingItem(id), undefined);
  writeItem(draftItem(id), undefined);
  dropMemoryChoice(id);
}

/** The session that a key opens, told by the key itself; undefined if it is no session key. */
export function sessionIdOf(key: string): string | undefined {
  if (!/^tt_[A-Za-z0-9_-]{64}$/.test(key)) return undefined;
  const bytes = atob(key.slice(3, 27).replaceAll('-', '+').replaceAll('_', '/'));
  const hex = Array.from({ length: 16 }, (_, index) => bytes.charCodeAt(index).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function readPending(id: string): PendingTurn | undefined {
  const pending = parseJson(readItem(pendingItem(id)));
  return isObject(pending) && typeof pending['content'] === 'string' && typeof pending['idempotencyKey'] === 'string'
    ? (pending as unknown as PendingTurn)
    : undefined;
}

/** Where there is no room for both, the draft that it was written from makes way: it says the same. */
export function writePending(id: string, pending: PendingTurn | undefined): void {
  const store = () => writeItem(pendingItem(id), pending && JSON.stringify(pending));
  store();
  const draft = readStored(draftItem(id));
  if (isStored(pendingItem(id)) || draft === undefined || draft !== pending?.content) return;
  writeItem(draftItem(id), undefined);
  store();
  if (!isStored(pendingItem(id))) writeItem(draftItem(id), draft);
}

/** What stands in the field; nothing where that was sent already. */
export function readDraft(id: string): string {
  const draft = readItem(draftItem(id)) ?? '';
  return draft === readPending(id)?.content ? '' : draft;
}

/** A draft that was sent stays for as long as nothing else of its message would be left after a reload. */
export function writeDraft(id: string, draft: string): void {
  const isOnlyCopy = readStored(draftItem(id)) !== undefined && !isStored(pendingItem(id));
  if (draft === '' && isOnlyCopy) return;
  writeItem(draftItem(id), draft || undefined);
}

/** The turn has ended well: neither it nor a draft of it is needed any more. */
export function dropPending(id: string): void {
  const isUnstored = !isStored(pendingItem(id));
  const content = readPending(id)?.content;
  writePending(id, undefined);
  if (isUnstored && readStored(draftItem(id)) === content) writeDraft(id, '');
}

function readSessions(): readonly KeptSession[] {
  return parseSessions(readItem(SESSIONS) ?? '[]');
}

/**
 * What was stored, as far as it can be read. A key is money: where an entry is damaged, or all of it, every key that is still
 * there keeps its session, without what else was known of it.
 */
export function parseSessions(text: string): readonly KeptSession[] {
  const stored = parseJson(text);
  const whole = Array.isArray(stored) ? stored.filter(isKept) : [];
  const known = new Set(whole.map(({ key }) => key));
  const keys = new Set(text.match(/tt_[A-Za-z0-9_-]{64}(?![A-Za-z0-9_-])/g));
  const saved = [...keys].filter((key) => !known.has(key)).map((key) => newEntry(sessionIdOf(key)!, key));
  return saved.length === 0 ? whole : [...whole, ...saved];
}

function newEntry(id: string, key: string): KeptSession {
  return { id, key, title: '', balanceMsat: 0, peakMsat: 0, usedAt: timestamp() };
}

function isKept(value: unknown): value is KeptSession {
  if (!isObject(value)) return false;
  const { id, key, title, balanceMsat, peakMsat, usedAt } = value;
  const isKey = typeof key === 'string' && sessionIdOf(key) === id;
  const isDescribed = typeof title === 'string' && typeof usedAt === 'string' && !Number.isNaN(Date.parse(usedAt));
  return isKey && isDescribed && Number.isSafeInteger(balanceMsat) && Number.isSafeInteger(peakMsat);
}

/** Now, by the server's clock. */
export function timestamp(): string {
  return new Date(serverNow()).toISOString();
}

function write(all: readonly KeptSession[]): void {
  writeItem(SESSIONS, JSON.stringify(all));
  noteSessions(all);
}

function noteSessions(all: readonly KeptSession[]): void {
  const stored = new Set(parseSessions(readStored(SESSIONS) ?? '[]').map(({ key }) => key));
  const ids = all.filter(({ key }) => !stored.has(key)).map(({ id }) => id);
  if (ids.join() !== unstored.get().join()) unstored.set(ids);
  sessions.set(all);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
