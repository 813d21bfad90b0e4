/** Source: Anthropic's "Streaming Messages" (read 2026-11). */
import { named, type Protocol, SECRET, type WireUsage } from './protocol.ts';

const block = (index: number, contentBlock: unknown) =>
  named({ type: 'content_block_start', index, content_block: contentBlock });
const delta = (index: number, piece: unknown) => named({ type: 'content_block_delta', index, delta: piece });
const usageOf = ({ input = 0, output = 0 }: WireUsage = {}) => ({ input_tokens: input, output_tokens: output });

export const anthropic: Protocol = {
  kind: 'anthropic',
  model: 'anthropic/claude-test',
  path: '/v1/messages',
  settings: (url) => ({ anthropicApiKey: SECRET, anthropicBaseUrl: `${url}/v1` }),
  authorization: ['x-api-key', SECRET],
  maxTokensField: 'max_tokens',
  alsoSends: { model: 'claude-test' },
  messagesOf: ({ system, messages }) => ({ system, messages }),
  words: { stop: 'end_turn', length: 'max_tokens', refusal: 'refusal' },
  begin: (usage) => {
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-test', content: [] };
    const start = {
      ...message,
      stop_reason: null,
      stop_sequence: null,
      usage: usageOf(usage && { input: usage.input }),
    };
    return (
      named({ type: 'message_start', message: start }) + block(0, { type: 'text', text: '' }) + named({ type: 'ping' })
    );
  },
  text: (text) => delta(0, { type: 'text_delta', text }),
  thought: (thinking) =>
    block(1, { type: 'thinking', thinking: '', signature: '' }) +
    delta(1, { type: 'thinking_delta', thinking }) +
    delta(1, { type: 'signature_delta', signature: 'EqQB' }),
  finish: (word, usage) =>
    named({ type: 'content_block_stop', index: 0 }) +
    named({
      type: 'message_delta',
      delta: { stop_reason: word, stop_sequence: null },
      usage: { output_tokens: usage?.output ?? 0 },
    }),
  mark: named({ type: 'message_stop' }),
  whole: ({ text, thought, word = 'end_turn', usage }) =>
    JSON.stringify({
      type: 'message',
      role: 'assistant',
      content: [...(thought === undefined ? [] : [{ type: 'thinking', thinking: thought }]), { type: 'text', text }],
      stop_reason: word,
      usage: usageOf(usage),
    }),
  errorEvent: (type, message) => named({ type: 'error', error: { type, message } }),
  errorBody: (type, message) => JSON.stringify({ type: 'error', error: { type, message } }),
};
