import { anthropic } from './anthropic.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { openai } from './openai.ts';
import type { Protocol } from './protocol.ts';

export { type Protocol, SECRET, stream, type WireReply } from './protocol.ts';

export const protocols: readonly Protocol[] = [anthropic, openai, openaiCompatible];
