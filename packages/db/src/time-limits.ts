/**
 * How long what touches the database may take, in milliseconds. Each limit is above the one before it, so that whoever is
 * stuck is ended before those who wait for it give up.
 */
export const TIME_LIMITS_MS = {
  /** Waiting for a lock. They are held for milliseconds: who waits longer waits for somebody who is stuck. */
  lock: 2000,
  /** Doing nothing within a transaction: its client is frozen or gone, and its locks go with it. */
  idleInTransaction: 4000,
  /** Waiting for a connection: longer than those who have one may wait for a lock, twice over. */
  connection: 5000,
  /** One statement, from its arrival to its end: nothing works on inside PostgreSQL for a caller who has long left. */
  statement: 6000,
  /** The driver's wait for an answer: it counts only where PostgreSQL cannot say itself that the time is up. */
  answer: 7000,
  /**
   * A transaction, a single statement's own too: one that waits for the end of its client's message holds its locks, and no
   * other limit counts while it does. From PostgreSQL 17 on.
   */
  transaction: 8000,
  /** Trying to settle a turn: longer than a frozen holder of the session's lock keeps it, for a reply is worth some patience. */
  settle: 10_000,
  /** A running turn's lease: who may still be settling it is not taken for dead. */
  lease: 15_000,
} as const;
