/**
 * Replies of turns that other servers run, for those who read them here: each comes whole once its turn has ended. A request is
 * looked at when its session changed, once for all who wait for it. It ends by itself: with its model's time, or its lease.
 */
import { AppError } from '@timmy-tower/contract';
import type { Database, StoredSession } from '@timmy-tower/db';

import { getRequest } from './find-request.ts';
import { RunningReply } from './running-reply.ts';
import type { WatchedSessions } from './watched-sessions.ts';

export class AwaitedReplies {
  readonly #db: Database;
  readonly #watchedSessions: WatchedSessions;
  readonly #replies = new Map<string, RunningReply>();
  #closed = false;

  constructor(db: Database, watchedSessions: WatchedSessions) {
    this.#db = db;
    this.#watchedSessions = watchedSessions;
  }

  /** For somebody who joins it at once: when the last reader leaves, nothing is left of it. */
  open(session: StoredSession, requestId: string): RunningReply {
    const known = this.#replies.get(requestId);
    if (known) return known;
    if (this.#closed) return endedBy(shuttingDown(requestId), requestId);
    const reply = new RunningReply(requestId, () => {
      unfollow();
      this.#replies.delete(requestId);
    });
    let looked = Promise.resolve();
    const look = () => {
      looked = looked.then(() => this.#look(reply, session.id));
    };
    const unfollow = this.#watchedSessions.follow(session, look);
    this.#replies.set(requestId, reply);
    // It may have ended since it was found, and its session's change been seen before.
    look();
    return reply;
  }

  /** The turns go on, on their servers. */
  close(): void {
    this.#closed = true;
    for (const [requestId, reply] of this.#replies) reply.fail(shuttingDown(requestId));
  }

  async #look(reply: RunningReply, sessionId: string): Promise<void> {
    if (reply.ending) return;
    try {
      const answer = await getRequest({ db: this.#db }, { sessionId, requestId: reply.requestId });
      if (answer.request.state !== 'running') reply.take(answer);
    } catch (error) {
      reply.fail(error);
    }
  }
}

function endedBy(error: AppError, requestId: string): RunningReply {
  const reply = new RunningReply(requestId);
  reply.fail(error);
  return reply;
}

const shuttingDown = (requestId: string) =>
  new AppError('unavailable', 'This server is shutting down. The turn goes on: ask for its request again.', {
    fields: { requestId, retryAfterSeconds: 1 },
  });
