/** Replies without words: an end, if anything was reported or thought; a failure, if there was nothing at all. */
import { choice, usageChunk } from '../protocols/openai-compatible.ts';
import { stream } from '../protocols/protocol.ts';
import { chat, type Habit, readUsage, sentUsage as usage, withMark } from './habit.ts';

export const silences: readonly Habit[] = [
  {
    name: 'no word, a limit reached, and usage',
    sends: (protocol) => stream(protocol, { text: '', word: protocol.words.length, usage }),
    gives: { text: '', finish: 'length', usage: readUsage },
  },
  {
    name: 'no word, a stop, and usage',
    sends: (protocol) => stream(protocol, { text: '', usage }),
    gives: { text: '', usage: readUsage },
  },
  {
    name: 'no word, a refusal, and usage',
    sends: (protocol) => stream(protocol, { text: '', word: protocol.words.refusal, usage }),
    gives: { text: '', usage: readUsage },
  },
  {
    name: 'no word, a tool call, and usage',
    kinds: chat,
    sends: (protocol) =>
      choice({ tool_calls: [{ index: 0, id: '1', function: { name: 'f', arguments: '{}' } }] }) +
      stream(protocol, { text: '', word: 'tool_calls', usage }),
    gives: { text: '', usage: readUsage },
  },
  {
    name: 'no word, the end mark, and usage',
    kinds: chat,
    sends: ({ begin, mark }) => begin() + usageChunk(usage) + mark,
    gives: { text: '', usage: readUsage },
  },
  {
    name: 'white space alone, and usage',
    sends: (protocol) => stream(protocol, { text: ' \n\n\u200b', usage }),
    gives: { text: ' \n\n\u200b', usage: readUsage },
  },
  {
    name: 'a thought alone, and no usage',
    sends: (protocol) => stream(protocol, { text: '', thought: 'hm', word: protocol.words.length }),
    gives: { text: '', reasoning: 'hm', finish: 'length' },
  },
  {
    name: 'a thought alone, and a closed connection',
    sends: ({ begin, thought }) => begin() + thought('hm'),
    gives: { text: '', reasoning: 'hm' },
  },
  {
    name: 'a thought in tags that is cut at the limit',
    sends: (protocol) => stream(protocol, { text: '<think>hm', word: protocol.words.length, usage }),
    gives: { text: '', reasoning: 'hm', finish: 'length', usage: readUsage },
  },
  {
    name: 'neither a word nor usage, and a finish',
    sends: (protocol) => stream(protocol, { text: '' }),
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
  {
    name: 'neither a word nor usage, and a refusal',
    sends: (protocol) => stream(protocol, { text: '', word: protocol.words.refusal }),
    gives: { fails: 'agent-refused' },
  },
  {
    name: 'neither a word nor usage, and an end mark',
    kinds: withMark,
    sends: ({ begin, mark }) => begin() + mark,
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
  {
    name: 'an empty stream',
    sends: () => '',
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
  {
    name: 'a beginning and no more',
    sends: ({ begin }) => begin(),
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
  {
    name: 'white space in place of a stream',
    sends: () => ' \n \n',
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
  {
    name: 'comments in place of a stream',
    sends: () => ': one\n\n: two\n\n',
    gives: { fails: 'agent-failed', cause: 'nothing_said' },
  },
];
