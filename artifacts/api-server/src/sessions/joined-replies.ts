/** Those who read replies along, or once more: so many of a key, of a session and in all, and none who does not take them. */
import { AppError } from '@timmy-tower/contract';
import type { Database } from '@timmy-tower/db';

import { AwaitedReplies } from './awaited-replies.ts';
import type { ReplyReader } from './reply-reader.ts';
import type { SessionReaders } from './session-reader.ts';
import type { WatchedSessions } from './watched-sessions.ts';
import { endWith, oldestTooMany, tooManyReaders } from './watched-session.ts';

const PING_MS = 15_000;
/** Each holds a connection, and at most its reply once more. */
const MOST_READERS_IN_ALL = 5000;
const INSTEAD = 'GET /sessions/{id}/requests/{requestId} as JSON';

export interface JoinedRepliesOptions {
  readonly db: Database;
  readonly watchedSessions: WatchedSessions;
  readonly mostReaders?: number;
}

export class JoinedReplies implements SessionReaders {
  /** Those of other servers. */
  readonly awaited: AwaitedReplies;
  readonly #readers = new Map<string, Set<ReplyReader>>();
  readonly #mostReaders: number;
  #size = 0;
  #pinging: NodeJS.Timeout | undefined;

  constructor({ db, watchedSessions, mostReaders = MOST_READERS_IN_ALL }: JoinedRepliesOptions) {
    this.awaited = new AwaitedReplies(db, watchedSessions);
    this.#mostReaders = mostReaders;
  }

  /** How many readers there are. */
  get size(): number {
    return this.#size;
  }

  /** @throws {AppError} `unavailable` when this server has as many as it may */
  admit(): void {
    if (this.#size >= this.#mostReaders) throw serverFull();
  }

  join(reader: ReplyReader): void {
    const { id } = reader.session;
    const ofSession = this.#readers.get(id) ?? new Set();
    const oldest = oldestTooMany(ofSession, reader.keyHash);
    if (oldest) this.#end(oldest, () => endWith(oldest, tooManyReaders(INSTEAD)));
    ofSession.add(reader);
    this.#readers.set(id, ofSession);
    this.#size += 1;
    this.#pinging ??= setInterval(() => this.#ping(), PING_MS);
  }

  leave(reader: ReplyReader): void {
    const ofSession = this.#readers.get(reader.session.id);
    if (!ofSession?.delete(reader)) return;
    this.#size -= 1;
    if (ofSession.size === 0) this.#readers.delete(reader.session.id);
    if (this.#size > 0) return;
    clearInterval(this.#pinging);
    this.#pinging = undefined;
  }

  /** Those of this server's own turns end as the turns do. */
  close(): void {
    this.awaited.close();
  }

  #end(reader: ReplyReader, end: () => void): void {
    this.leave(reader);
    end();
  }

  #ping(): void {
    for (const reader of [...this.#readers.values()].flatMap((readers) => [...readers])) {
      if (!reader.ping()) this.#end(reader, () => reader.cut());
    }
  }
}

const serverFull = () =>
  new AppError('unavailable', `This server has as many readers of replies as it can. Ask ${INSTEAD} instead.`, {
    fields: { retryAfterSeconds: 5 },
  });
