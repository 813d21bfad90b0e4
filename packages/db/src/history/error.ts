/**
 * - `session-not-found`: the table of sessions has no such row.
 * - `invalid-message`: its role or its content cannot be stored as they are.
 * - `wrong-isolation`: within a REPEATABLE READ transaction no order can be kept.
 * - `invalid-id`: an id that is none in its column: no UUID, say, where the sessions have UUIDs.
 * - `database-failed`: PostgreSQL refused a statement, or did not answer; the cause has its SQLSTATE as `code`.
 */
export type HistoryErrorCode =
  | 'session-not-found'
  | 'invalid-message'
  | 'invalid-id'
  | 'wrong-isolation'
  | 'database-failed';

/** What went wrong with a history. Its message repeats nothing that was said. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  readonly code: HistoryErrorCode;

  constructor(code: HistoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const sessionNotFound = (): HistoryError =>
  new HistoryError('session-not-found', 'There is no such session: insert its row first.');
