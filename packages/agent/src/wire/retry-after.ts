/** When to come back, by the headers of an answer: RFC 9110 §10.2.3, and OpenAI's `retry-after-ms`. */

const MOST_SECONDS = 3600;

export function readRetryAfter(headers: { get(name: string): string | null }, now = Date.now()): number | undefined {
  const ms = numberIn(headers.get('retry-after-ms'));
  if (ms !== undefined) return bounded(ms / 1000);
  const value = headers.get('retry-after')?.trim() ?? '';
  const seconds = numberIn(value);
  if (seconds !== undefined) return bounded(seconds);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : bounded((date - now) / 1000);
}

/** Some say the unit too, and some proxies say it all twice: `20s`, `20, 20`. */
function numberIn(value: string | null): number | undefined {
  const number = /^\s*(\d+(?:\.\d+)?)\s*(?:s|sec|seconds?)?\s*(?:,|$)/i.exec(value ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Whole seconds; 0 is at once. */
function bounded(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 0), MOST_SECONDS);
}
