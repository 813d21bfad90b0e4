/** Source: OpenAI's reference of Responses streaming events (read 2026-11). */
import { named, type Protocol, SECRET, type WireReply, type WireUsage } from './protocol.ts';

const responseOf = (fields: Record<string, unknown>) => ({
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
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };

function usageOf(usage: WireUsage | undefined) {
  if (usage === undefined) return {};
  const { input, output, reasoning, total } = usage;
  return {
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning ?? 0 },
      ...(total === undefined ? {} : { total_tokens: total }),
    },
  };
}

const ended = (word: string, fields: Record<string, unknown>) =>
  word === 'completed'
    ? responseOf({ status: 'completed', ...fields })
    : responseOf({ status: 'incomplete', incomplete_details: { reason: word }, ...fields });

const outputOf = ({ text, thought }: WireReply) => [
  ...(thought === undefined ? [] : [{ type: 'reasoning', summary: [{ type: 'summary_text', text: thought }] }]),
  { type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] },
];

export const openai: Protocol = {
  kind: 'openai',
  model: 'openai/gpt-test',
  path: '/v1/responses',
  settings: (url) => ({ openaiApiKey: SECRET, openaiBaseUrl: `${url}/v1` }),
  authorization: ['authorization', `Bearer ${SECRET}`],
  maxTokensField: 'max_output_tokens',
  alsoSends: { model: 'gpt-test', store: false },
  messagesOf: ({ input }) => input,
  words: { stop: 'completed', length: 'max_output_tokens', refusal: 'content_filter' },
  begin: () =>
    named({ type: 'response.created', sequence_number: 0, response: responseOf({}) }) +
    named({ type: 'response.in_progress', sequence_number: 1, response: responseOf({}) }) +
    named({
      type: 'response.output_item.added',
      sequence_number: 2,
      output_index: 0,
      item: { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant', content: [] },
    }) +
    named({ type: 'response.content_part.added', ...place, part: { type: 'output_text', text: '', annotations: [] } }),
  text: (delta) => named({ type: 'response.output_text.delta', ...place, delta }),
  thought: (delta) => named({ type: 'response.reasoning_summary_text.delta', ...place, summary_index: 0, delta }),
  finish: (word, usage) => {
    const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [] };
    const type = word === 'completed' ? 'response.completed' : 'response.incomplete';
    return (
      named({ type: 'response.output_item.done', output_index: 0, item }) +
      named({ type, response: ended(word, { output: [item], ...usageOf(usage) }) })
    );
  },
  mark: '',
  whole: (reply) =>
    JSON.stringify(ended(reply.word ?? 'completed', { output: outputOf(reply), ...usageOf(reply.usage) })),
  errorEvent: (code, message) => named({ type: 'error', code, message, param: null }),
  errorBody: (code, message) => JSON.stringify({ error: { message, type: code, param: null, code } }),
};

/** A stream that brings the whole response at its end, and no piece of it before. */
export const allAtTheEnd = (reply: WireReply) =>
  named({ type: 'response.created', response: responseOf({}) }) +
  named({
    type: 'response.completed',
    response: ended('completed', { output: outputOf(reply), ...usageOf(reply.usage) }),
  });

export const failedResponse = (code: string, usage?: WireUsage) =>
  named({
    type: 'response.failed',
    response: responseOf({ status: 'failed', error: { code, message: 'no' }, ...usageOf(usage) }),
  });
