/**
 * Changes of sessions, whichever server made them, for all who read their events here. One look for all of them reads which
 * versions rose, and in full only those sessions: what it costs the database does not grow with readers.
 */
import { AppError } from '@timmy-tower/contract';
import type { Database, StoredSession } from '@timmy-tower/db';
import type { Logger } from 'pino';

import { describeError } from '../log.ts';
import { lookAtSessions } from './look-at-sessions.ts';
import { sessionNotFound } from './session-not-found.ts';
import type { SessionReader, SessionReaders } from './session-reader.ts';
import { MOST_UNPAID, UnpaidReaders } from './unpaid-readers.ts';
import { endWith, oldestTooMany, tooManyReaders, WatchedSession } from './watched-session.ts';

/** A change is seen within half a second; with two statements a look, that is five a second at most. */
const LOOK_MS = 400;
const PING_MS = 15_000;
/** Each holds a connection and at most 64 KiB. Those who have not paid have half of the places at most. */
const MOST_READERS_IN_ALL = 2 * MOST_UNPAID;

export interface WatchedSessionsOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly sessionIdleDays: number;
  readonly mostReaders?: number;
}

export class WatchedSessions implements SessionReaders {
  readonly #db: Database;
  readonly #log: Logger;
  readonly #idleDays: number;
  readonly #sessions = new Map<string, WatchedSession>();
  readonly #unpaid = new UnpaidReaders();
  #timers: NodeJS.Timeout[] = [];
  readonly #mostReaders: number;
  #size = 0;
  #looking = false;
  #outage = false;
  #closed = false;
  /** The database's clock, less this process's steady one. */
  #clockOffsetMs = 0;

  constructor({ db, log, sessionIdleDays, mostReaders = MOST_READERS_IN_ALL }: WatchedSessionsOptions) {
    this.#mostReaders = mostReaders;
    this.#db = db;
    this.#log = log;
    this.#idleDays = sessionIdleDays;
  }

  /** How many readers there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * May one more read this session, just found, from this network?
   * @throws {AppError} `rate-limited` for one that was never paid, `unavailable` when this server has as many as it may
   */
  admit(session: StoredSession, network: string): void {
    this.#setClock(session.readAt);
    if (this.size >= this.#mostReaders) throw serverFull();
    if (isUnpaid(session)) this.#unpaid.admit(network);
  }

  join(reader: SessionReader): void {
    const { session, keyHash } = reader;
    const watched = this.#sessions.get(session.id) ?? new WatchedSession(session, this.#idleDays);
    if (session.version > watched.stored.version) this.#take(watched, session);
    const oldest = oldestTooMany(watched.readers, keyHash);
    if (oldest) this.#end(oldest, () => endWith(oldest, tooManyReaders()));
    watched.add(reader);
    if (this.#closed) return reader.end();
    this.#sessions.set(session.id, watched);
    this.#size += 1;
    if (isUnpaid(watched.stored)) this.#unpaid.add(reader);
    this.#startTimers();
  }

  leave(reader: SessionReader): void {
    this.#unpaid.delete(reader);
    const watched = this.#sessions.get(reader.session.id);
    if (!watched?.readers.delete(reader)) return;
    this.#size -= 1;
    this.#dropUntold(watched);
  }

  /**
   * Calls `onChange` whenever another version of a session than this was seen, or that it is gone; maybe more often.
   * @returns a function that ends it
   */
  follow(session: StoredSession, onChange: () => void): () => void {
    const watched = this.#sessions.get(session.id) ?? new WatchedSession(session, this.#idleDays);
    watched.followers.add(onChange);
    this.#sessions.set(session.id, watched);
    this.#startTimers();
    return () => {
      watched.followers.delete(onChange);
      this.#dropUntold(watched);
    };
  }

  /** Ends every stream, and every one that begins from now on. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers()) this.#end(reader, () => reader.end());
  }

  #readers(): SessionReader[] {
    return [...this.#sessions.values()].flatMap(({ readers }) => [...readers]);
  }

  #end(reader: SessionReader, end: () => void): void {
    this.leave(reader);
    end();
  }

  /** If nobody is told of it any more. */
  #dropUntold(watched: WatchedSession): void {
    if (watched.readers.size > 0 || watched.followers.size > 0) return;
    this.#sessions.delete(watched.stored.id);
    if (this.#sessions.size === 0) this.#stopTimers();
  }

  #startTimers(): void {
    if (this.#timers.length > 0) return;
    this.#timers = [setInterval(() => void this.#tick(), LOOK_MS), setInterval(() => this.#ping(), PING_MS)];
  }

  #stopTimers(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  #ping(): void {
    for (const reader of this.#readers()) if (!reader.ping()) this.#end(reader, () => reader.cut());
  }

  async #tick(): Promise<void> {
    const now = performance.now() + this.#clockOffsetMs;
    for (const watched of this.#sessions.values()) watched.expireInvoice(now);
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#look();
      this.#outage = false;
    } catch (error) {
      if (!this.#outage) this.#log.warn({ error: describeError(error) }, 'watched sessions cannot be read: trying on');
      this.#outage = true;
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    const before = new Map(this.#sessions.values().map(({ stored }) => [stored.id, stored]));
    const { gone, changed } = await lookAtSessions(this.#db, before);
    for (const id of gone) this.#endGone(id);
    for (const session of changed) {
      this.#setClock(session.readAt);
      const watched = this.#sessions.get(session.id);
      // Whoever came meanwhile may have brought a newer one.
      const isNewer = watched?.stored === before.get(session.id) || session.version > (watched?.stored.version ?? 0);
      if (watched && isNewer) this.#take(watched, session);
    }
  }

  #endGone(id: string): void {
    const watched = this.#sessions.get(id);
    for (const reader of watched?.readers ?? []) this.#end(reader, () => endWith(reader, sessionNotFound()));
    for (const onChange of watched?.followers ?? []) onChange();
  }

  #take(watched: WatchedSession, session: StoredSession): void {
    watched.take(session);
    if (!isUnpaid(session)) for (const reader of watched.readers) this.#unpaid.delete(reader);
  }

  #setClock(readAt: Date): void {
    this.#clockOffsetMs = readAt.getTime() - performance.now();
  }
}

const isUnpaid = ({ status }: StoredSession) => status === 'awaiting_payment';

const serverFull = () =>
  new AppError(
    'unavailable',
    'This server has as many streams as it can. Ask GET /sessions/{id} every few seconds instead.',
    {
      fields: { retryAfterSeconds: 5 },
    },
  );
