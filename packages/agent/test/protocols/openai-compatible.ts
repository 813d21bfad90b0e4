/** Source: OpenAI's reference of chat completion chunks (read 2026-11). */
import { type Protocol, SECRET, unnamed, type WireUsage } from './protocol.ts';

export const chunk = (fields: Record<string, unknown>) =>
  unnamed({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'llama-test',
    ...fields,
  });

/** A chunk with one choice. */
export const choice = (delta: unknown, finish: unknown = null, more: Record<string, unknown> = {}) =>
  chunk({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...more });

export const countsOf = ({ input, output, reasoning, total }: WireUsage) => ({
  prompt_tokens: input,
  completion_tokens: output,
  ...(total === undefined ? {} : { total_tokens: total }),
  ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }),
});

/** The chunk without choices that `include_usage` asks for. */
export const usageChunk = (usage: WireUsage) => chunk({ choices: [], usage: countsOf(usage) });

export const openaiCompatible: Protocol = {
  kind: 'openai-compatible',
  model: 'openai-compatible/meta/llama-test',
  path: '/v1/chat/completions',
  settings: (url) => ({ openaiApiKey: SECRET, openaiBaseUrl: `${url}/v1` }),
  authorization: ['authorization', `Bearer ${SECRET}`],
  maxTokensField: 'max_tokens',
  alsoSends: { model: 'meta/llama-test', stream_options: { include_usage: true } },
  messagesOf: ({ messages }) => messages,
  words: { stop: 'stop', length: 'length', refusal: 'content_filter' },
  begin: () => choice({ role: 'assistant', content: '' }),
  text: (content) => choice({ content }),
  thought: (thought) => choice({ reasoning_content: thought }),
  finish: (word, usage) => choice({}, word) + (usage === undefined ? '' : usageChunk(usage)),
  mark: 'data: [DONE]\n\n',
  whole: ({ text, thought, word = 'stop', usage }) =>
    JSON.stringify({
      object: 'chat.completion',
      choices: [
        { index: 0, message: { role: 'assistant', content: text, reasoning_content: thought }, finish_reason: word },
      ],
      ...(usage === undefined ? {} : { usage: countsOf(usage) }),
    }),
  errorEvent: (code, message) => unnamed({ error: { message, type: code, param: null, code } }),
  errorBody: (code, message) => JSON.stringify({ error: { message, type: code, param: null, code } }),
};
