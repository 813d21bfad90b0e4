/** What a provider's error says, read loosely: its shapes are many, its status and its short code are what can be relied on. */
import { innermost, parameterIn, shortCode, shortCodeOf, statusIn } from './error-shapes.ts';
import { kindOf } from './failure-kind.ts';
import { type JsonObject, objectOf, parseJson } from './json.ts';
import { ProviderFailure } from './provider-failure.ts';
import { readRetryDelay } from './retry-after.ts';

/** An answer other than 2xx. */
export function refusalOf(status: number, body: string, retryAfterSeconds: number | undefined): ProviderFailure {
  const parsed = parseJson(body);
  return failureFrom(status, objectOf(Array.isArray(parsed) ? parsed[0] : parsed), retryAfterSeconds);
}

/** An error in the middle of a stream, or in place of one. */
export function failureOf(error: JsonObject): ProviderFailure {
  return failureFrom(statusIn(innermost(error)), error, undefined);
}

/** The code of an error of Node's or undici's, which wrap each other; its name where none has any. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const own = 'code' in error ? shortCode(error.code) : undefined;
  return codeOf(error.cause) ?? codeOf(first) ?? own ?? shortCode(error.name);
}

/** How long to wait is said beside the error by some, and in it by others. */
function failureFrom(status: number | undefined, body: JsonObject, told: number | undefined): ProviderFailure {
  const error = innermost(body);
  const code = shortCodeOf(error);
  const retryAfterSeconds = told ?? readRetryDelay(error) ?? readRetryDelay(body);
  const kind = kindOf({
    status,
    code,
    type: shortCode(error['type']),
    parameter: parameterIn(error),
    isFlagged: isFlagged(error),
  });
  return new ProviderFailure(kind, { status, code, retryAfterSeconds });
}

/** OpenRouter's 403 for a prompt that its moderation does not let through (openrouter.ai/docs, "Errors", read 2026-11). */
function isFlagged(error: JsonObject): boolean {
  return Array.isArray(objectOf(error['metadata'])['reasons']);
}
