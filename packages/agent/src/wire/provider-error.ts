/** What a provider's error says, read loosely: its shapes are many, its status and its short code are what can be relied on. */
import { isObject, type JsonObject, listOf, objectOf, parseJson } from './json.ts';
import { type FailureKind, ProviderFailure } from './provider-failure.ts';

const SHORT_CODE = /^[a-z0-9_.-]{1,64}$/i;

/** Codes that only the operator can do something about: the key, the bill, the model’s name. */
const OPERATOR =
  /api_?key|auth|permission|forbidden|quota|billing|credit|payment|insufficient_?balance|arrear|account|deactivat|suspend|access|not_?found|no_?such|unknown_?model|decommission|region|country|failed_?precondition/i;
const BUSY =
  /overload|rate_?limit|too_?many|slow_?down|capacity|busy|throttl|unavailable|resource_?exhausted|concurren/i;
/** Codes about what was said, or how much of it. */
const CONTENT = /content|policy|filter|safety|moderat|flagged|sensitive|prohibit/i;
const REQUEST = /invalid|bad_?request|context|too_?long|too_?large|unsupported|unprocessable|param/i;

/** An answer other than 2xx. */
export function refusalOf(status: number, body: string, retryAfterSeconds: number | undefined): ProviderFailure {
  const parsed = parseJson(body);
  const error = errorIn(Array.isArray(parsed) ? parsed[0] : parsed);
  const code = shortCodeOf(error);
  return new ProviderFailure(kindOf(status, error, code), { status, code, retryAfterSeconds });
}

/** An error in the middle of a stream, or in place of one. */
export function failureOf(error: JsonObject): ProviderFailure {
  const inner = errorIn(error);
  const code = shortCodeOf(inner);
  const status = [inner['code'], inner['status'], inner['status_code']].map(Number).find(isErrorStatus);
  return new ProviderFailure(kindOf(status, inner, code), { status, code });
}

/** Whether an event of a stream tells of an error. */
export function isError(name: string | undefined, event: JsonObject): boolean {
  const { type, object, error } = event;
  if (name === 'error' || type === 'error' || object === 'error') return true;
  return tellsOfError(error);
}

/** Many have an `error` in every event, with nothing in it: `null`, `{}`, `[]`, or fields that are all empty. */
export function tellsOfError(error: unknown): boolean {
  return typeof error === 'object' && error !== null ? Object.values(error).some(Boolean) : Boolean(error);
}

/** The code of an error of Node's or undici's, which wrap each other; its name where none has any. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const own = 'code' in error ? shortCode(error.code) : undefined;
  return codeOf(error.cause) ?? codeOf(first) ?? own ?? shortCode(error.name);
}

/** A short code; undefined for what is none, which may be anything. */
function shortCode(value: unknown): string | undefined {
  return typeof value === 'string' && SHORT_CODE.test(value) && !/^\d+$/.test(value) ? value : undefined;
}

/** The error object, which some wrap and some do not. */
function errorIn(body: unknown): JsonObject {
  const outer = objectOf(body);
  const inner = outer['error'] ?? listOf(outer['errors'])[0];
  return isObject(inner) ? inner : outer;
}

/** Google's status tells little, and the reason among its details all (google.rpc.ErrorInfo). */
function shortCodeOf({ code, type, details, status, reason }: JsonObject): string | undefined {
  const reasons = listOf(details).map((detail) => shortCode(objectOf(detail)['reason']));
  const exact = reasons.find((each) => each !== undefined);
  return shortCode(code) ?? shortCode(type) ?? exact ?? shortCode(status) ?? shortCode(reason);
}

function kindOf(status: number | undefined, error: JsonObject, code = ''): FailureKind {
  if (status === undefined) return kindOfCode(code);
  if (status >= 500) return status === 503 || status === 529 || BUSY.test(code) ? 'busy' : 'broken';
  switch (status) {
    case 400:
    case 413:
    case 422:
      return OPERATOR.test(code) ? 'out-of-order' : 'refused';
    case 403:
      return CONTENT.test(code) || isFlagged(error) ? 'refused' : 'out-of-order';
    case 429:
    case 498:
      // Limits by the minute are named after whose they are: ModelAccountRpmRateLimitExceeded, Throttling.AllocationQuota.
      return OPERATOR.test(code) && !BUSY.test(code) ? 'out-of-order' : 'busy';
    case 408:
    case 409:
    case 425:
    case 499:
      return 'broken';
    case 451:
      return 'refused';
    default:
      return 'out-of-order';
  }
}

function kindOfCode(code: string): FailureKind {
  if (BUSY.test(code)) return 'busy';
  if (OPERATOR.test(code)) return 'out-of-order';
  return CONTENT.test(code) || REQUEST.test(code) ? 'refused' : 'broken';
}

/** OpenRouter's 403 for a prompt that its moderation does not let through (openrouter.ai/docs, "Errors", read 2026-11). */
function isFlagged(error: JsonObject): boolean {
  return Array.isArray(objectOf(error['metadata'])['reasons']);
}

function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status < 600;
}
