import type { AgentSettings } from '../../src/open.ts';

/** Numbers as they are put on the wire, whether or not they can be true. */
export interface WireUsage {
  readonly input?: unknown;
  readonly output?: unknown;
  readonly reasoning?: unknown;
  readonly total?: unknown;
}

export interface WireReply {
  readonly text: string;
  readonly thought?: string;
  readonly word?: string;
  readonly usage?: WireUsage;
}

/** A provider's protocol, as it is on the wire: each function gives the bytes of whole events. */
export interface Protocol {
  readonly kind: 'anthropic' | 'openai' | 'openai-compatible';
  readonly model: string;
  readonly path: string;
  readonly settings: (url: string) => Partial<AgentSettings>;
  readonly authorization: readonly [header: string, value: string];
  /** Where the request has what it was asked. */
  readonly maxTokensField: string;
  /** What else must be in the request. */
  readonly alsoSends: Record<string, unknown>;
  readonly messagesOf: (body: Record<string, unknown>) => unknown;
  /** How it says that a reply ended. */
  readonly words: { readonly stop: string; readonly length: string; readonly refusal: string };
  readonly begin: (usage?: WireUsage) => string;
  readonly text: (text: string) => string;
  readonly thought: (text: string) => string;
  /** The end of the reply, with its usage, but for the end mark. */
  readonly finish: (word: string, usage?: WireUsage) => string;
  /** The end mark; empty where the finish is one. */
  readonly mark: string;
  /** A JSON body in place of a stream. */
  readonly whole: (reply: WireReply) => string;
  readonly errorEvent: (code: string, message: string) => string;
  readonly errorBody: (code: string, message: string) => string;
}

export const SECRET = 'sk-secret-key-0123456789';

export const named = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
export const unnamed = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

/** The events of a whole reply. */
export function stream(protocol: Protocol, { text, thought, word = protocol.words.stop, usage }: WireReply): string {
  const { begin, finish, mark } = protocol;
  const thoughts = thought === undefined ? '' : protocol.thought(thought);
  return begin(usage) + thoughts + (text === '' ? '' : protocol.text(text)) + finish(word, usage) + mark;
}
