import { isObject, type JsonObject, textOf } from './json.ts';
import type { ProviderFailure } from './provider-failure.ts';
import type { RawUsage } from './raw-usage.ts';

/** What one of a provider's events says, in words that all providers share. An event that says nothing gives none. */
export type WireEvent =
  | { readonly type: 'text' | 'reasoning'; readonly text: string }
  | { readonly type: 'usage'; readonly usage: RawUsage }
  /** The provider's own word for how the reply ended: see `readFinish`. */
  | { readonly type: 'finish'; readonly word: string }
  /** The end mark: nothing comes after it. */
  | { readonly type: 'done' }
  | { readonly type: 'failure'; readonly failure: ProviderFailure };

/** Reads the events of one stream, or the one body that was sent in a stream's place. */
export interface WireReader {
  read(event: JsonObject): WireEvent[];
}

/** Words that are digits arrive as numbers through proxies that take every text for a number which looks like one. */
export function said(type: 'text' | 'reasoning', words: unknown): WireEvent[] {
  const text = typeof words === 'number' ? String(words) : textOf(words);
  return text === '' ? [] : [{ type, text }];
}

/** `null`, `""` and `"null"` are all sent for "not yet". SGLang puts its word into an object. */
export function finished(reason: unknown): WireEvent[] {
  const word = isObject(reason) ? reason['type'] : reason;
  return typeof word === 'string' && word !== '' && word !== 'null' ? [{ type: 'finish', word }] : [];
}
