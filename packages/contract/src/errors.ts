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
  'internal-error',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What a program does about each: the API's description tells it. */
export const remedies: Readonly<Record<ErrorCode, string>> = {
  'malformed-request': 'Send what can be read: a whole body of JSON in UTF-8.',
  'invalid-request': 'Correct the request; with 422, `errors` names every fault. Sent again as it is, it fails again.',
  unauthorized: 'Send the session key: `Authorization: Bearer tt_…`, or `X-Session-Key`.',
  'insufficient-balance':
    'Pay the `invoice`, or top up, or ask for less; then send it again with the same Idempotency-Key.',
  'payment-required': 'Pay the `invoice`, then send it again.',
  'not-found': 'Check the path, the id and the key.',
  'method-not-allowed': 'Use one of the methods in `Allow`.',
  'conversation-busy': 'Wait for the request with this `requestId`, or cancel it; come back after `Retry-After`.',
  'idempotency-mismatch': 'Use a new Idempotency-Key for a new request; the same key is for the same body.',
  'session-closed': 'If it expired, any payment revives it; if it was closed, open a new one.',
  'payload-too-large': 'Send less.',
  'rate-limited': 'Come back after `Retry-After`.',
  'too-many-readers':
    'Ask for the session, or the request, as JSON every few seconds instead: coming back would end another stream.',
  'agent-failed': 'The model broke off. Nothing was stored or charged: try again in a moment.',
  'agent-busy': 'The provider is overloaded. Nothing was stored or charged: come back after `Retry-After`.',
  'agent-unavailable': 'The operator must act; trying again does not help. Nothing was stored or charged.',
  'agent-refused': 'The provider refuses this request as it is: ask otherwise. Nothing was stored or charged.',
  unavailable: 'The wallet or the database is out of reach, or the server is stopping: come back after `Retry-After`.',
  'internal-error':
    'A fault of the server: look a request up before it is sent again, and tell the operator its `X-Request-Id`.',
};

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
