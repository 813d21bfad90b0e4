import type { LanguageModelV4 } from '@ai-sdk/provider';

import type { WireReader } from '../wire/wire-event.ts';

/** A kind of provider: how it is asked, and how its answers are read. */
export interface Provider {
  /** It refuses to be asked for fewer. */
  readonly minOutputTokens: number;
  /** Puts questions into words; sends nothing. */
  readonly model: LanguageModelV4;
  readonly createReader: () => WireReader;
}

export interface ProviderSettings {
  readonly modelId: string;
  readonly apiKey: string | undefined;
  readonly baseURL: string;
}
