/**
 * The streaming protocols of the providers, as they are on the wire.
 * Sources: Anthropic's "Streaming Messages", OpenAI's references of Responses streaming events and of chat completion
 * chunks (read 2026-11).
 */
import type { AgentSettings } from '../src/open.ts';

export interface WireUsage {
  readonly input: number;
  readonly output: number;
}

export interface Ending {
  readonly finish: 'stop' | 'length' | 'refusal';
  /** Left out where the protocol allows it, zero where not. */
  readonly usage?: WireUsage | undefined;
}

export interface Protocol {
  readonly model: string;
  readonly path: string;
  readonly settings: (url: string) => Partial<AgentSettings>;
  readonly authorization: readonly [header: string, value: string];
  /** Where the request has what it was asked. */
  readonly maxTokensField: string;
  /** What else must be in the request. */
  readonly alsoSends: Record<string, unknown>;
  readonly messagesOf: (body: Record<string, unknown>) => unknown;
  readonly begin: (usage?: WireUsage) => string[];
  readonly delta: (text: string) => string;
  readonly end: (ending: Ending) => string[];
  readonly errorBody: (message: string) => unknown;
  /** An error in the middle of a stream. */
  readonly errorEvent: (message: string) => string;
}

export const SECRET = 'sk-secret-key-0123456789';

const named = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const unnamed = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

const anthropic: Protocol = {
  model: 'anthropic/claude-test',
  path: '/v1/messages',
  settings: (url) => ({ anthropicApiKey: SECRET, anthropicBaseUrl: `${url}/v1` }),
  authorization: ['x-api-key', SECRET],
  maxTokensField: 'max_tokens',
  alsoSends: { model: 'claude-test' },
  messagesOf: ({ system, messages }) => ({ system, messages }),
  begin: (usage) => [
    named({
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-test',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: usage?.input ?? 0, output_tokens: usage === undefined ? 0 : 1 },
      },
    }),
    named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    named({ type: 'ping' }),
  ],
  delta: (text) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: ({ finish, usage }) => [
    named({ type: 'content_block_stop', index: 0 }),
    named({
      type: 'message_delta',
      delta: {
        stop_reason: { stop: 'end_turn', length: 'max_tokens', refusal: 'refusal' }[finish],
        stop_sequence: null,
      },
      usage: { output_tokens: usage?.output ?? 0 },
    }),
    named({ type: 'message_stop' }),
  ],
  errorBody: (message) => ({ type: 'error', error: { type: 'api_error', message } }),
  errorEvent: (message) => named({ type: 'error', error: { type: 'overloaded_error', message } }),
};

const responsesObject = (fields: Record<string, unknown>) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  model: 'gpt-test',
  status: 'in_progress',
  error: null,
  incomplete_details: null,
  output: [],
  ...fields,
});

const openai: Protocol = {
  model: 'openai/gpt-test',
  path: '/v1/responses',
  settings: (url) => ({ openaiApiKey: SECRET, openaiBaseUrl: `${url}/v1` }),
  authorization: ['authorization', `Bearer ${SECRET}`],
  maxTokensField: 'max_output_tokens',
  alsoSends: { model: 'gpt-test', store: false },
  messagesOf: ({ input }) => input,
  begin: () => [
    named({ type: 'response.created', sequence_number: 0, response: responsesObject({}) }),
    named({ type: 'response.in_progress', sequence_number: 1, response: responsesObject({}) }),
    named({
      type: 'response.output_item.added',
      sequence_number: 2,
      output_index: 0,
      item: { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant', content: [] },
    }),
    named({
      type: 'response.content_part.added',
      sequence_number: 3,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      part: { type: 'output_text', text: '', annotations: [] },
    }),
  ],
  delta: (delta) =>
    named({
      type: 'response.output_text.delta',
      sequence_number: 4,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta,
    }),
  end: ({ finish, usage }) => {
    const reported =
      usage === undefined
        ? {}
        : {
            usage: {
              input_tokens: usage.input,
              input_tokens_details: { cached_tokens: 0 },
              output_tokens: usage.output,
              output_tokens_details: { reasoning_tokens: 0 },
              total_tokens: usage.input + usage.output,
            },
          };
    const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [] };
    const type = finish === 'stop' ? 'response.completed' : 'response.incomplete';
    const details = { stop: null, length: { reason: 'max_output_tokens' }, refusal: { reason: 'content_filter' } }[
      finish
    ];
    const status = finish === 'stop' ? 'completed' : 'incomplete';
    return [
      named({ type: 'response.output_item.done', sequence_number: 5, output_index: 0, item }),
      named({
        type,
        sequence_number: 6,
        response: responsesObject({ status, incomplete_details: details, output: [item], ...reported }),
      }),
    ];
  },
  errorBody: (message) => ({ error: { message, type: 'server_error', param: null, code: null } }),
  errorEvent: (message) => named({ type: 'error', sequence_number: 5, code: 'server_error', message, param: null }),
};

const chunk = (fields: Record<string, unknown>) =>
  unnamed({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'llama-test',
    ...fields,
  });
const choice = (delta: unknown, finish: string | null) =>
  chunk({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });

const openaiCompatible: Protocol = {
  model: 'openai-compatible/meta/llama-test',
  path: '/v1/chat/completions',
  settings: (url) => ({ openaiApiKey: SECRET, openaiBaseUrl: `${url}/v1` }),
  authorization: ['authorization', `Bearer ${SECRET}`],
  maxTokensField: 'max_tokens',
  alsoSends: { model: 'meta/llama-test', stream_options: { include_usage: true } },
  messagesOf: ({ messages }) => messages,
  begin: () => [choice({ role: 'assistant', content: '' }, null)],
  delta: (content) => choice({ content }, null),
  end: ({ finish, usage }) => [
    choice({}, { stop: 'stop', length: 'length', refusal: 'content_filter' }[finish]),
    ...(usage === undefined
      ? []
      : [
          chunk({
            choices: [],
            usage: {
              prompt_tokens: usage.input,
              completion_tokens: usage.output,
              total_tokens: usage.input + usage.output,
            },
          }),
        ]),
    'data: [DONE]\n\n',
  ],
  errorBody: (message) => ({ error: { message, type: 'server_error', param: null, code: null } }),
  errorEvent: (message) => unnamed({ error: { message, type: 'server_error', param: null, code: null } }),
};

export const protocols: readonly Protocol[] = [anthropic, openai, openaiCompatible];
