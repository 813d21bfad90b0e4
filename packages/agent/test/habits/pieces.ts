/** What else a piece may look like. None of it may lose a word, or say one twice. */
import { choice, chunk, countsOf, usageChunk } from '../protocols/openai-compatible.ts';
import { named, stream, unnamed } from '../protocols/protocol.ts';
import { chat, type Habit, messages, readUsage, responses, sentUsage as usage } from './habit.ts';

const gives = { text: 'Heat, pour.', usage: readUsage } as const;
const end = choice({}, 'stop') + usageChunk(usage) + 'data: [DONE]\n\n';
const only = (...choices: readonly unknown[]) => chunk({ choices });
const chunks = (name: string, ...sent: readonly string[]): Habit => ({
  name,
  kinds: chat,
  sends: () => sent.join('') + end,
  gives,
});
const content = (name: string, value: unknown): Habit => chunks(`content as ${name}`, choice({ content: value }));
const message = (text: string) => ({ index: 0, message: { role: 'assistant', content: text } });

const part = (text: string) => ({ type: 'output_text', text });
const itemDone = (place: number, item: unknown) =>
  named({ type: 'response.output_item.done', output_index: place, item });
const piece = (text: string) => ({ index: 0, delta: { content: text } });

export const pieces: readonly Habit[] = [
  chunks('messages that are pieces', only(message('Heat, ')), only(message('pour.'))),
  chunks('messages that grow', only(message('Heat, ')), only(message('Heat, pour.'))),
  chunks('texts in place of deltas, piece by piece', only({ index: 0, text: 'Heat, ' }), only({ text: 'pour.' })),
  chunks(
    'deltas, each beside the message so far',
    only({ ...piece('Heat, '), ...message('Heat, ') }),
    only({ ...piece('pour.'), ...message('Heat, pour.') }),
  ),
  chunks(
    'a last message with the rest of the reply',
    only({ index: 0, delta: { content: 'Heat, ' } }),
    only(message('Heat, pour.')),
  ),
  chunks('the whole message at the end, trimmed', choice({ content: 'Heat, pour.' }), only(message('Heat,pour.'))),
  chunks('the first choice in several places', only(piece('Heat, '), piece('pour.'))),
  chunks(
    'choices that are counted by texts',
    only({ index: '0', delta: { content: 'Heat, ' } }, { index: '1', delta: { content: 'Cool' } }),
    only({ index: '1', delta: { content: 'Cool' } }),
    only({ index: '0', delta: { content: 'pour.' } }),
  ),
  chunks(
    'two choices without an index',
    only({ delta: { content: 'Heat, ' } }, { delta: { content: 'Cool' } }),
    only({ delta: { content: 'pour.' } }, { delta: { content: 'Cool' } }),
  ),
  {
    name: 'choices that are counted from one',
    kinds: chat,
    sends: () =>
      only({ index: 1, delta: { content: 'Heat, pour.' } }) +
      only({ index: 1, delta: {}, finish_reason: 'stop' }) +
      usageChunk(usage),
    gives,
  },
  content('an object', { type: 'text', text: 'Heat, pour.' }),
  content('a part whose text is an object', [{ type: 'text', text: { value: 'Heat, pour.', annotations: [] } }]),
  content('a part that is a refusal', [{ type: 'refusal', refusal: 'Heat, pour.' }]),
  content('parts among which one is no text', [
    { type: 'reference', reference_ids: [1] },
    { type: 'output_text', text: 'Heat, pour.' },
    null,
  ]),
  chunks('a delta that is a text', only({ index: 0, delta: 'Heat, pour.' })),
  chunks(
    'the filter’s results in choices without a delta',
    choice({ content: 'Heat, ' }),
    only({ index: 0, finish_reason: null, content_filter_offsets: {}, content_filter_results: {} }),
    only({ index: 0, delta: {}, content_filter_result: { error: { code: 'content_filter_error', message: 'no' } } }),
    choice({ content: 'pour.' }),
  ),
  chunks(
    'sources, annotations and a tool’s beginning beside the words',
    choice({ content: 'Heat, ', annotations: [{ type: 'url_citation' }], tool_calls: null, audio: null }, null, {
      citations: ['x'],
      search_results: [{}],
    }),
    choice({ content: 'pour.', tool_calls: [] }, null, { timings: { prompt_n: 1 }, provider: 'x', obfuscation: 'y' }),
  ),
  {
    name: 'words that arrive as numbers',
    kinds: ['openai-compatible', 'anthropic'],
    sends: ({ begin, text, finish, words, mark }) =>
      begin(usage) +
      ['2', ' + ', '0.5', '.']
        .map(text)
        .join('')
        .replaceAll(/"(2|0\.5)"/g, '$1') +
      finish(words.stop, usage) +
      mark,
    gives: { text: '2 + 0.5.', usage: readUsage },
  },
  {
    name: 'half an emoji in each of two pieces',
    sends: ({ begin, text, finish, words, mark }) =>
      begin(usage) + text('a\ud83d') + text('\ude00b') + finish(words.stop, usage) + mark,
    gives: { text: 'a😀b', usage: readUsage },
  },
  {
    name: 'a finish in the delta, or beside the choices',
    kinds: chat,
    sends: () =>
      choice({ content: 'Heat, pour.' }) + chunk({ choices: [], finish_reason: 'length', usage: countsOf(usage) }),
    gives: { ...gives, finish: 'length' },
  },
  {
    name: 'events whose type is their name alone',
    kinds: ['anthropic', 'openai'],
    sends: (protocol) =>
      stream(protocol, { text: 'Heat, pour.', usage }).replaceAll(/^(data: \{)"type":"[^"]*",?/gm, '$1'),
    gives,
  },
  {
    name: 'events that are JSON texts of JSON',
    kinds: chat,
    sends: () =>
      unnamed(JSON.stringify({ choices: [{ index: 0, delta: { content: 'Heat, pour.' }, finish_reason: 'stop' }] })) +
      usageChunk(usage),
    gives,
  },
  {
    name: 'the message’s beginning in its start',
    kinds: messages,
    sends: ({ text, finish, mark }) =>
      named({
        type: 'message_start',
        message: { content: [{ type: 'text', text: 'Heat, ' }], stop_reason: 'end_turn', usage: { input_tokens: 321 } },
      }) +
      text('pour.') +
      finish('end_turn', usage) +
      mark,
    gives,
  },
  {
    name: 'whole parts and no pieces, and nothing at the end',
    kinds: responses,
    sends: ({ begin, finish }) =>
      begin() +
      named({ type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Heat, ' }) +
      named({ type: 'response.output_text.done', output_index: 0, content_index: 1, text: 'pour.' }) +
      finish('completed', usage),
    gives,
  },
  {
    name: 'pieces, the whole part and the whole item',
    kinds: responses,
    sends: ({ begin, text, finish }) =>
      begin() +
      text('Heat, ') +
      text('pour.') +
      named({ type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Heat, pour.' }) +
      finish('completed', usage),
    gives,
  },
  {
    name: 'whole items and no pieces, and nothing at the end',
    kinds: responses,
    sends: ({ begin, finish }) =>
      begin() +
      ['Heat, ', 'pour.'].map((text, place) => itemDone(place, { type: 'message', content: [part(text)] })).join('') +
      finish('completed', usage),
    gives,
  },
  {
    name: 'pieces that do not tell where they belong, and all of it once more',
    kinds: responses,
    sends: ({ begin, finish }) =>
      begin() +
      named({ type: 'response.output_text.delta', delta: 'Heat, pour.' }) +
      named({ type: 'response.output_text.done', text: 'Heat, pour.' }) +
      named({ type: 'response.content_part.done', output_index: 1, content_index: 0, part: part('Heat, pour.') }) +
      itemDone(1, { type: 'message', content: [part('Heat, pour.')] }) +
      finish('completed', usage),
    gives,
  },
  {
    name: 'whole parts, one of which does not tell where it belongs',
    kinds: responses,
    sends: ({ begin, text, finish }) =>
      begin() +
      text('Heat, pour.') +
      named({ type: 'response.output_text.done', text: 'Heat, pour.' }) +
      finish('completed', usage),
    gives,
  },
  {
    name: 'whole thoughts beside whole words',
    kinds: responses,
    sends: ({ begin, finish }) =>
      begin() +
      named({
        type: 'response.content_part.done',
        output_index: 0,
        content_index: 0,
        part: { type: 'reasoning_text', text: 'hm' },
      }) +
      itemDone(0, {
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'hm' }],
        content: [{ type: 'reasoning_text', text: 'hm' }],
      }) +
      itemDone(1, { type: 'message', content: [part('Heat, pour.')] }) +
      finish('completed', usage),
    gives: { ...gives, reasoning: 'hm' },
  },
  {
    name: 'a thought in pieces, and whole once more',
    kinds: responses,
    sends: ({ begin, thought, text, finish }) =>
      begin() +
      thought('hm') +
      itemDone(0, { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }) +
      text('Heat, pour.') +
      finish('completed', usage),
    gives: { ...gives, reasoning: 'hm' },
  },
  {
    name: 'an end of another name',
    kinds: responses,
    sends: ({ begin, text, finish }) =>
      (begin() + text('Heat, pour.') + finish('completed', usage)).replaceAll('response.completed', 'response.done'),
    gives,
  },
];
