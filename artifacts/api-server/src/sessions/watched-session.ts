/** One session that is watched, whoever of its readers came first: they share what is known of it. */
import { AppError, type SessionEvent } from '@timmy-tower/contract';
import type { StoredSession } from '@timmy-tower/db';

import { toProblem } from '../problem.ts';
import { toSession } from './answers.ts';
import { encodeEvent, type SessionReader } from './session-reader.ts';

export const MOST_READERS_OF_KEY = 8;
export const MOST_READERS = 32;

export class WatchedSession {
  /** In the order in which they came. */
  readonly readers = new Set<SessionReader>();
  /** Told of every other version, whether or not it shows, and when it is gone. */
  readonly followers = new Set<() => void>();
  readonly #idleDays: number;
  #stored: StoredSession;

  constructor(stored: StoredSession, idleDays: number) {
    this.#stored = stored;
    this.#idleDays = idleDays;
  }

  get stored(): StoredSession {
    return this.#stored;
  }

  /** What is known of it now; whoever reads it is told, if it shows. */
  take(now: StoredSession): void {
    const before = this.#stored;
    this.#stored = now;
    if (hasChanged(before, now)) this.#tell(this.readers, this.#sessionEvent());
    if (before.messagesVersion !== now.messagesVersion) this.#tell(this.readers, messagesEvent(now));
    for (const onChange of this.followers) onChange();
  }

  /** The invoice that shows expires by itself: nobody writes that. `now` is by the database's clock. */
  expireInvoice(now: number): void {
    const { invoice } = this.#stored;
    if (invoice?.status !== 'pending' || invoice.expiresAt.getTime() > now) return;
    this.take({ ...this.#stored, invoice: { ...invoice, status: 'expired' } });
  }

  add(reader: SessionReader): void {
    this.readers.add(reader);
    this.#tell([reader], this.#sessionEvent());
  }

  #sessionEvent(): SessionEvent {
    return { event: 'session', data: toSession(this.#stored, this.#idleDays) };
  }

  #tell(readers: Iterable<SessionReader>, event: SessionEvent): void {
    const encoded = encodeEvent(event);
    for (const reader of readers) reader.send(encoded);
  }
}

/** Who of a session has to go for one more with this key: the oldest with the same key, or else of all. */
export function oldestTooMany<Reader extends SessionReader>(
  readers: ReadonlySet<Reader>,
  keyHash: Buffer,
): Reader | undefined {
  const ofKey = [...readers].filter((reader) => reader.keyHash.equals(keyHash));
  if (ofKey.length >= MOST_READERS_OF_KEY) return ofKey[0];
  return readers.size >= MOST_READERS ? [...readers][0] : undefined;
}

/** The main conversation, which is all there is. */
const messagesEvent = ({ id }: StoredSession): SessionEvent => ({ event: 'messages', data: { conversationId: id } });

function hasChanged(before: StoredSession, now: StoredSession): boolean {
  return (
    before.status !== now.status ||
    before.balanceMsat !== now.balanceMsat ||
    before.heldMsat !== now.heldMsat ||
    before.invoice?.paymentHash !== now.invoice?.paymentHash ||
    before.invoice?.status !== now.invoice?.status
  );
}

/** Ends a stream, and says why. */
export function endWith(reader: SessionReader, error: AppError): void {
  reader.send(encodeEvent({ event: 'error', data: toProblem(error) }));
  reader.end();
}

/** @param instead what to ask */
export function tooManyReaders(instead = 'GET /sessions/{id}'): AppError {
  return new AppError(
    'too-many-readers',
    `A newer stream took this one's place: ${MOST_READERS_OF_KEY} at once for a key, ${MOST_READERS} for a session. ` +
      `Ask ${instead} every few seconds instead.`,
  );
}
