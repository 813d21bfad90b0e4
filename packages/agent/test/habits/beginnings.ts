/** How replies begin and go on: what the pieces look like, and the pauses between them. */
import { choice, chunk, usageChunk } from '../protocols/openai-compatible.ts';
import { allAtTheEnd } from '../protocols/openai.ts';
import { named, stream } from '../protocols/protocol.ts';
import { chat, type Habit, messages, readUsage, responses, sentUsage as usage } from './habit.ts';

const gives = { text: 'Heat, pour.', usage: readUsage } as const;
const end = choice({}, 'stop') + usageChunk(usage) + 'data: [DONE]\n\n';
/** Chat completion chunks before the usual end. */
const chunks = (name: string, ...sent: readonly string[]): Habit => ({
  name,
  kinds: chat,
  sends: () => sent.join('') + end,
  gives,
});

const block = (index: number, contentBlock: unknown) =>
  named({ type: 'content_block_start', index, content_block: contentBlock });
const delta = (index: number, piece: unknown) => named({ type: 'content_block_delta', index, delta: piece });

export const beginnings: readonly Habit[] = [
  { name: 'the plain reply', sends: (protocol) => stream(protocol, { text: 'Heat, pour.', usage }), gives },
  {
    name: 'pauses before, in and after the reply',
    sends: ({ begin, text, finish, words, mark }) => [
      { pauseMs: 50 },
      begin(usage),
      { pauseMs: 50 },
      text('Heat, '),
      { pauseMs: 50 },
      text('pour.'),
      { pauseMs: 50 },
      finish(words.stop, usage),
      { pauseMs: 50 },
      mark,
    ],
    gives,
  },
  chunks('null content', choice({ role: 'assistant', content: null }), choice({ content: 'Heat, pour.' })),
  chunks(
    'the role with every piece',
    choice({ role: 'assistant', content: 'Heat, ' }),
    choice({ role: 'assistant', content: 'pour.' }),
  ),
  chunks(
    'no delta, a null one and an empty one',
    choice(null),
    choice(undefined),
    choice({}),
    choice({ content: 'Heat, pour.' }),
  ),
  chunks(
    'no choices, null choices and none in the list',
    chunk({}),
    chunk({ choices: null }),
    chunk({ choices: [] }),
    choice({ content: 'Heat, pour.' }),
  ),
  chunks(
    'content in parts',
    choice({
      content: [
        { type: 'text', text: 'Heat, ' },
        { type: 'text', text: 'pour.' },
      ],
    }),
  ),
  chunks('content in parts of bare text', choice({ content: ['Heat, ', 'pour.'] })),
  chunks(
    'messages in place of deltas',
    chunk({ choices: [{ index: 0, message: { role: 'assistant', content: 'Heat, pour.' } }] }),
  ),
  chunks('text in place of deltas', chunk({ choices: [{ index: 0, text: 'Heat, pour.' }] })),
  chunks('a choice without an index', chunk({ choices: [{ delta: { content: 'Heat, pour.' } }] })),
  chunks(
    'a second choice that nobody asked for',
    choice({ content: 'Heat, ' }),
    chunk({ choices: [{ index: 1, delta: { content: 'Cool, drink.' } }] }),
    choice({ content: 'pour.' }),
  ),
  chunks(
    'the filter’s results before any choice',
    chunk({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
    choice({ content: 'Heat, pour.' }),
  ),
  chunks(
    'an error that is empty, in every event',
    choice({ content: 'Heat, pour.' }, null, { error: null }),
    chunk({ error: {} }),
    chunk({ error: '' }),
    chunk({ error: [] }),
    chunk({ error: { code: null, message: null } }),
    chunk({ error: { code: 0, message: '' } }),
    chunk({ choices: [{ index: 0, delta: {}, error: {} }] }),
  ),
  {
    name: 'the last piece together with the finish and the usage',
    kinds: chat,
    sends: () =>
      `${choice({ content: 'Heat, ' })}${choice({ content: 'pour.' }, 'stop', { usage: { prompt_tokens: 321, completion_tokens: 12 } })}data: [DONE]\n\n`,
    gives,
  },
  {
    name: 'the whole message once more at the end',
    kinds: chat,
    sends: () =>
      choice({ content: 'Heat, pour.' }) +
      chunk({ choices: [{ index: 0, message: { content: 'Heat, pour.' }, finish_reason: 'stop' }] }) +
      usageChunk(usage),
    gives,
  },
  {
    name: 'a refusal as a field of its own',
    kinds: chat,
    sends: () => choice({ content: null, refusal: 'Heat, pour.' }) + end,
    gives,
  },
  {
    name: 'nothing but the whole response at the end',
    kinds: responses,
    sends: () => allAtTheEnd({ text: 'Heat, pour.', thought: 'hm', usage }),
    gives: { ...gives, reasoning: 'hm' },
  },
  {
    name: 'a refusal as pieces of its own',
    kinds: responses,
    sends: ({ begin, finish }) =>
      `${begin()}${named({ type: 'response.refusal.delta', delta: 'Heat, pour.' })}${finish('completed', usage)}`,
    gives,
  },
  {
    name: 'text in the beginning of a block',
    kinds: messages,
    sends: ({ begin, text, finish, mark }) =>
      begin(usage) +
      named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Heat, ' } }) +
      text('pour.') +
      finish('end_turn', usage) +
      mark,
    gives,
  },
  {
    name: 'a tool’s input in between',
    kinds: messages,
    sends: ({ begin, text, finish, mark }) =>
      begin(usage) +
      text('Heat, pour.') +
      named({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"a' } }) +
      finish('end_turn', usage) +
      mark,
    gives,
  },
  {
    name: 'blocks that take turns',
    kinds: messages,
    sends: ({ begin, finish, mark }) =>
      begin(usage) +
      delta(0, { type: 'text_delta', text: 'Heat, ' }) +
      block(1, { type: 'thinking', thinking: '', signature: '' }) +
      delta(1, { type: 'thinking_delta', thinking: 'hm' }) +
      delta(1, { type: 'signature_delta', signature: 'EqQB' }) +
      delta(0, { type: 'text_delta', text: 'pour' }) +
      block(2, { type: 'redacted_thinking', data: 'EmwK' }) +
      delta(0, { type: 'text_delta', text: '.' }) +
      finish('end_turn', usage) +
      mark,
    gives: { ...gives, reasoning: 'hm' },
  },
  {
    name: 'blocks and pieces of kinds that nobody knows',
    kinds: messages,
    sends: ({ begin, text, finish, mark }) =>
      begin(usage) +
      block(1, { type: 'news', content: [{ type: 'headline', url: 'x' }] }) +
      delta(1, { type: 'news_delta', headline: 'x' }) +
      delta(0, { type: 'citations_delta', citation: { cited_text: 'x' } }) +
      delta(0, null) +
      text('Heat, pour.') +
      named({ type: 'content_block_stop', index: 1 }) +
      finish('end_turn', usage) +
      mark,
    gives,
  },
];
