/** Everything that can go wrong and has a name. Each code is a problem type of the HTTP API. */
export const errorCodes = [
  'malformed-request',
  'invalid-request',
  'unauthorized',
  'insufficient-balance',
  'payment-required',
  'not-found',
  'method-not-allowed',
  'conversation-busy',
  'idempotency-mismatch',
  'session-closed',
  'payload-too-large',
  'rate-limited',
  'too-many-readers',
  'agent-failed',
  'agent-busy',
  'agent-unavailable',
  'agent-refused',
  'unavailable',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface AppErrorOptions {
  /** Facts that a program can act on. They are shown to the caller: no secrets, no message text. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * An error that the caller may be told about. Its message is shown as it is: it says what is wrong and what to do next,
 * and never repeats a key, a preimage or what somebody said.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, { fields = {}, ...options }: AppErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.fields = fields;
  }
}
