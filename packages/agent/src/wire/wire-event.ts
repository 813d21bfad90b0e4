import type { JsonObject } from './json.ts';
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

export function said(type: 'text' | 'reasoning', text: string): WireEvent[] {
  return text === '' ? [] : [{ type, text }];
}

/** `null`, `""` and `"null"` are all sent for "not yet". */
export function finished(word: unknown): WireEvent[] {
  return typeof word === 'string' && word !== '' && word !== 'null' ? [{ type: 'finish', word }] : [];
}
