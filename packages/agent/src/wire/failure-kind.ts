/** Whose turn it is after an error: the caller's, who waits or asks otherwise, or the operator's. By codes, never by messages. */
import type { FailureKind } from './provider-failure.ts';

export interface ToldError {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  /** The family that the code is of, where there is one. */
  readonly type?: string | undefined;
  /** What of the request it is about. */
  readonly parameter?: string | undefined;
  readonly isFlagged: boolean;
}

/** Codes that only the operator can do something about: the key, the bill, the model’s name, what we ask with. */
const OPERATOR =
  /api_?key|auth|permission|forbidden|quota|billing|credit|payment|insufficient_?balance|arrear|account|deactivat|suspend|access|not_?found|no_?such|(?:unknown|unsupported|unrecognized)_?(?:param|field|arg)|(?:unknown|invalid|unsupported)_?model|model_?not|(?:unsupported|operation)_?(?:api|not_?supported)|decommission|region|country|failed_?precondition/i;
const BUSY =
  /overload|rate_?limit|too_?many|slow_?down|capacity|busy|throttl|unavailable|resource_?exhausted|concurren/i;
/** Codes of what the model did itself: Groq refuses a call of its model's that nobody offered. */
const MODEL = /tool_?use_?fail|generation_?fail|fail\w*_?generation/i;
/** Codes about what was said, or how much of it. */
const CONTENT = /content|policy|filter|safety|moderat|flagged|sensitive|prohibit|inspection/i;
const LENGTH = /context|too_?long|too_?large/i;
const REQUEST = /invalid|bad_?request|unsupported|unprocessable|param/i;

export function kindOf({ status, ...error }: ToldError): FailureKind {
  const { code = '' } = error;
  if (status === undefined) return kindOfCode(error);
  if (status >= 500) return status === 503 || status === 529 || BUSY.test(code) ? 'busy' : 'broken';
  switch (status) {
    case 400:
    case 413:
    case 422:
      if (MODEL.test(code)) return 'broken';
      return isOperators(error) ? 'out-of-order' : 'refused';
    case 403:
      return CONTENT.test(code) || error.isFlagged ? 'refused' : 'out-of-order';
    case 429:
    case 498:
      // Limits by the minute are named after whose they are: ModelAccountRpmRateLimitExceeded, Throttling.AllocationQuota.
      return OPERATOR.test(code) && !BUSY.test(`${code} ${error.type ?? ''}`) ? 'out-of-order' : 'busy';
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

function kindOfCode(error: ToldError): FailureKind {
  const { code = '' } = error;
  if (BUSY.test(code)) return 'busy';
  if (isOperators(error)) return 'out-of-order';
  return [CONTENT, LENGTH, REQUEST].some((codes) => codes.test(code)) ? 'refused' : 'broken';
}

/** What a prompt is sent in, and what its length counts against: the caller can change these. */
const CALLERS = /^(?:messages?|inputs?|prompt|contents?)(?![a-z])/i;
const LIMIT = /max\w*tokens$/i;

/** A wrong request is the operator's where it is about what we ask with, not about what was said. */
function isOperators({ code = '', parameter }: ToldError): boolean {
  if (OPERATOR.test(code)) return true;
  if (parameter === undefined || CONTENT.test(code) || LENGTH.test(code)) return false;
  if (/\brole$/.test(parameter)) return true;
  return LIMIT.test(parameter) ? /unsupported/i.test(code) : !CALLERS.test(parameter);
}
