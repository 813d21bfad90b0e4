/** When to come back, by the headers of an answer (RFC 9110 §10.2.3, OpenAI's `retry-after-ms`) or by its error. */
import { type JsonObject, listOf, objectOf } from './json.ts';

const MOST_SECONDS = 3600;
const LONGEST_NUMBER = 64;

export function readRetryAfter(headers: { get(name: string): string | null }, now = Date.now()): number | undefined {
  const ms = numberIn(headers.get('retry-after-ms'));
  if (ms !== undefined) return bounded(ms / 1000);
  const value = headers.get('retry-after')?.trim() ?? '';
  const seconds = numberIn(value);
  if (seconds !== undefined) return bounded(seconds);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : bounded((date - now) / 1000);
}

/** Google's `retryDelay` (google.rpc.RetryInfo), and fields of the error's own; a model that loads tells how long. */
export function readRetryDelay(error: JsonObject): number | undefined {
  const delays = listOf(error['details']).map((detail) => objectOf(detail)['retryDelay']);
  const fields = [error, objectOf(error['metadata'])].flatMap((from) => [
    from['retry_after'],
    from['retryAfter'],
    from['retry_after_seconds'],
    from['estimated_time'],
  ]);
  const seconds = [...delays, ...fields].map(secondsIn).find((each) => each !== undefined);
  return seconds === undefined ? undefined : bounded(seconds);
}

/** A number, a text with its unit, or the parts of a google.protobuf.Duration. */
function secondsIn(value: unknown): number | undefined {
  if (typeof value === 'string') return numberIn(value);
  const seconds = typeof value === 'number' ? value : Number(objectOf(value)['seconds'] ?? undefined);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** Some say the unit too, and some proxies say it all twice: `20s`, `20, 20`. */
function numberIn(value: string | null): number | undefined {
  const number = /^ *(\d+(?:\.\d+)?) *(?:s|sec|seconds?)? *(?:,|$)/i.exec(
    (value ?? '').trim().slice(0, LONGEST_NUMBER),
  )?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Whole seconds; 0 is at once. */
function bounded(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 0), MOST_SECONDS);
}
