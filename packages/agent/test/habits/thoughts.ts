/** How models think aloud. Thoughts are no part of the reply. */
import { choice, usageChunk } from '../protocols/openai-compatible.ts';
import { named, stream } from '../protocols/protocol.ts';
import { chat, type Habit, messages, readUsage, responses, sentUsage as usage } from './habit.ts';

const gives = { reasoning: 'Hm, well.', text: 'Heat, pour.', usage: readUsage } as const;
const end = choice({ content: 'Heat, pour.' }) + choice({}, 'stop') + usageChunk(usage) + 'data: [DONE]\n\n';
const chunks = (name: string, ...deltas: readonly unknown[]): Habit => ({
  name,
  kinds: chat,
  sends: () => deltas.map((delta) => choice(delta)).join('') + end,
  gives,
});
/** The same text, cut in every way that counts. */
const tagged = (name: string, text: string, outcome: Habit['gives'] = gives): Habit[] => [
  { name, sends: (protocol) => stream(protocol, { text, usage }), gives: outcome },
  {
    name: `${name}, a character at a time`,
    sends: ({ begin, text: piece, finish, words, mark }) =>
      begin(usage) + Array.from(text, piece).join('') + finish(words.stop, usage) + mark,
    gives: outcome,
  },
];

export const thoughts: readonly Habit[] = [
  {
    name: 'a thought before the reply',
    sends: (protocol) => stream(protocol, { thought: 'Hm, well.', text: 'Heat, pour.', usage }),
    gives,
  },
  chunks('reasoning_content', { reasoning_content: 'Hm, ' }, { reasoning_content: 'well.', content: null }),
  chunks('reasoning', { reasoning: 'Hm, ', content: '' }, { reasoning: 'well.' }),
  chunks('reasoning and its details, the same twice', {
    reasoning: 'Hm, well.',
    reasoning_details: [{ type: 'reasoning.text', text: 'Hm, well.', index: 0 }],
  }),
  chunks('reasoning_details alone', {
    reasoning_details: [
      { type: 'reasoning.summary', summary: 'Hm, ' },
      { type: 'reasoning.text', text: 'well.' },
      { type: 'reasoning.encrypted', data: 'gAAAA' },
    ],
  }),
  chunks('a thought among the parts of the content', {
    content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm, well.' }] }],
  }),
  chunks('a thought as an object', { reasoning: { content: 'Hm, well.' } }),
  chunks('a thought and the reply’s beginning in one piece', { reasoning_content: 'Hm, well.', content: '' }),
  ...tagged('tags around the thought', '<think>Hm, well.</think>Heat, pour.'),
  ...tagged('tags, and blank lines around them', '\n<think>Hm, well.</think>\n\nHeat, pour.'),
  ...tagged('tags of another name', '<thinking>Hm, well.</thinking> Heat, pour.'),
  ...tagged('tags in capitals', '<THINK>Hm, well.</THINK> Heat, pour.'),
  ...tagged('tags in square brackets', '[THINK]Hm, well.[/THINK]Heat, pour.'),
  ...tagged('tags in triangles', '◁think▷Hm, well.◁/think▷Heat, pour.'),
  ...tagged('the tokens of a chat template', '<|START_THINKING|>Hm, well.<|END_THINKING|>Heat, pour.'),
  ...tagged('channels', '<|channel|>analysis<|message|>Hm, well.<|channel|>final<|message|>Heat, pour.'),
  ...tagged('tags twice', '<think>Hm, </think>\n<think>well.</think>\nHeat, pour.'),
  ...tagged('tags that hold nothing', '<think>\n\n</think>\n\nHeat, pour.', {
    reasoning: '\n\n',
    text: 'Heat, pour.',
    usage: readUsage,
  }),
  ...tagged('a tag’s look-alike at the beginning', '<thin> ice', { text: '<thin> ice', usage: readUsage }),
  ...tagged('a tag in the middle of the reply', 'Say <think>this</think>.', {
    text: 'Say <think>this</think>.',
    usage: readUsage,
  }),
  ...tagged('a reply that is the beginning of a tag', '<thi', { text: '<thi', usage: readUsage }),
  ...tagged('a closing tag’s look-alikes in a thought', '<think>a </thin b <İ</think>c', {
    reasoning: 'a </thin b <İ',
    text: 'c',
    usage: readUsage,
  }),
  {
    name: 'a thought that is hidden',
    kinds: messages,
    sends: (protocol) =>
      protocol.begin(usage) +
      named({ type: 'content_block_start', index: 0, content_block: { type: 'redacted_thinking', data: 'EmwK' } }) +
      protocol.text('Heat, pour.') +
      protocol.finish('end_turn', usage) +
      protocol.mark,
    gives: { text: 'Heat, pour.', usage: readUsage },
  },
  {
    name: 'a thought in the open',
    kinds: responses,
    sends: ({ begin, text, finish }) =>
      `${begin()}${named({ type: 'response.reasoning_text.delta', delta: 'Hm, well.' })}${text('Heat, pour.')}${finish('completed', usage)}`,
    gives,
  },
];
