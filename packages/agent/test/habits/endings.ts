/** How streams end. A finish, or an end mark, is an end; a closed connection is none. */
import { named, stream } from '../protocols/protocol.ts';
import { choice, chunk, usageChunk } from '../protocols/openai-compatible.ts';
import { chat, type Habit, messages, readUsage, sentUsage as usage, withMark, reset, staysOpen } from './habit.ts';

const answer = { text: 'Whole answer.', usage } as const;
const whole = { text: 'Whole answer.', usage: readUsage } as const;

export const endings: readonly Habit[] = [
  {
    name: 'the whole reply, and the socket stays open',
    sends: (protocol) => [stream(protocol, answer), staysOpen],
    gives: whole,
  },
  {
    name: 'a finish with its usage, no end mark, and the socket stays open',
    sends: ({ begin, text, finish, words }) => [
      begin(usage) + text('Whole answer.') + finish(words.stop, usage),
      staysOpen,
    ],
    gives: whole,
  },
  {
    name: 'a finish without usage, and the socket stays open',
    sends: ({ begin, text, finish, words }) => [begin() + text('Whole answer.') + finish(words.stop), staysOpen],
    gives: { text: 'Whole answer.' },
  },
  {
    name: 'a finish, then comments for ever',
    sends: ({ begin, text, finish, words }) => [
      begin() + text('Whole answer.') + finish(words.stop),
      ...Array.from({ length: 2000 }, () => [': keep-alive\n\n', { pauseMs: 50 }]).flat(),
      staysOpen,
    ],
    gives: { text: 'Whole answer.' },
  },
  {
    name: 'a finish, a pause, and then the usage',
    kinds: chat,
    sends: () => [choice({ content: 'Whole answer.' }) + choice({}, 'stop'), { pauseMs: 300 }, usageChunk(usage)],
    gives: whole,
  },
  {
    name: 'a finish, then the connection breaks',
    sends: ({ begin, text, finish, words }) => [
      begin(usage) + text('Whole answer.') + finish(words.stop, usage),
      { pauseMs: 20 },
      reset,
    ],
    gives: whole,
  },
  {
    name: 'a finish, then an error',
    sends: ({ begin, text, finish, words, errorEvent }) =>
      begin(usage) + text('Whole answer.') + finish(words.stop, usage) + errorEvent('server_error', 'late'),
    gives: whole,
  },
  {
    name: 'a finish, then an event that is not JSON',
    sends: ({ begin, text, finish, words }) =>
      begin(usage) + text('Whole answer.') + finish(words.stop, usage) + 'data: {"half": \n\n',
    gives: whole,
  },
  {
    name: 'a finish twice',
    kinds: withMark,
    sends: ({ begin, text, finish, words, mark }) =>
      begin(usage) + text('Whole answer.') + finish(words.length, usage) + finish(words.stop, usage) + mark,
    gives: { ...whole, finish: 'length' },
  },
  {
    name: 'a finish with every piece',
    kinds: chat,
    sends: ({ mark }) =>
      [choice({ content: 'Whole ' }, 'stop'), choice({ content: 'answer.' }, 'stop'), usageChunk(usage), mark].join(''),
    gives: whole,
  },
  {
    name: 'a finish and usage with every piece, and pauses between them',
    kinds: chat,
    sends: ({ mark }) => [
      choice({ content: 'Whole ' }, 'stop') + choice({ content: 'ans' }, 'stop') + usageChunk(usage),
      { pauseMs: 2500 },
      choice({ content: 'wer.' }, 'stop') + mark,
    ],
    gives: whole,
  },
  {
    name: 'a finish that is an object',
    kinds: chat,
    sends: ({ text, mark }) => text('Whole answer.') + choice({}, { type: 'length', length: 12 }) + mark,
    gives: { text: 'Whole answer.', finish: 'length' },
  },
  {
    name: 'a finish that is an object, of a failure',
    kinds: chat,
    sends: ({ text, mark }) => text('Half') + choice({}, { type: 'abort', status_code: 400 }) + mark,
    gives: { fails: 'agent-failed', text: 'Half' },
  },
  {
    name: 'an end mark and no finish',
    kinds: withMark,
    sends: ({ begin, text, mark }) => begin() + text('Whole answer.') + mark,
    gives: { text: 'Whole answer.' },
  },
  {
    name: 'an end mark of another spelling',
    kinds: chat,
    sends: ({ begin, text }) => [`${begin() + text('Whole answer.')}data:[done]\n\n`, staysOpen],
    gives: { text: 'Whole answer.' },
  },
  {
    name: 'an end mark that is a JSON text',
    kinds: chat,
    sends: ({ begin, text }) => `${begin()}${text('Whole answer.')}data: "[DONE]"\n\n`,
    gives: { text: 'Whole answer.' },
  },
  ...[
    'event: done\ndata: {}\n\n',
    'event: done\ndata:\n\n',
    'event: [DONE]\ndata: null\n\n',
    'event: end\ndata: {"id": "1"}\n\n',
    'event: message_end\ndata: {"usage": {}}\n\n',
    'event: stream-end\ndata: ok\n\n',
    'event: complete\ndata: {"status": "success"}\n\n',
    'event: done\n\n',
    'event: end\r\n\r\n',
    'Event : response.done\n\n',
    'event: message_stop\n\n',
    'event: stop\ndata: {}\n\n',
    'data: [END]\n\n',
    'data: [STOP]\n\n',
    'data: [COMPLETED]\n\n',
    'data: {"type": "done"}\n\n',
    'data: {"event": "done", "data": null}\n\n',
    'data: {"done": true, "done_reason": "stop"}\n\n',
  ].map((mark): Habit => ({
    name: `the end mark ${JSON.stringify(mark)}`,
    kinds: chat,
    sends: ({ text }) => [text('Whole answer.') + mark, staysOpen],
    gives: { text: 'Whole answer.' },
  })),
  {
    name: 'the last piece, the finish and the usage in the end mark',
    kinds: chat,
    sends: ({ text }) => [
      `${text('Whole ')}event: done\n${choice({ content: 'answer.' }, 'length')}event: done\n${usageChunk(usage)}`,
      staysOpen,
    ],
    gives: { ...whole, finish: 'length' },
  },
  {
    name: 'an end mark with a limit for a reason',
    kinds: chat,
    sends: ({ text }) => `${text('Whole answer.')}data: {"done": true, "done_reason": "length"}\n\n`,
    gives: { text: 'Whole answer.', finish: 'length' },
  },
  ...['{"reason": "error"}', '{"reason": "canceled"}', '{"status": "failed"}'].map((data): Habit => ({
    name: `an end mark that says it is none: ${data}`,
    kinds: chat,
    sends: ({ text }) => `${text('Half an ans')}event: done\ndata: ${data}\n\n`,
    gives: { fails: 'agent-failed', text: 'Half an ans', cause: 'failed_by_its_own_word' },
  })),
  {
    name: 'an end that is the name of an event without data',
    kinds: ['openai', 'anthropic'],
    sends: ({ begin, text, finish, words: { stop }, kind }) =>
      begin() +
      text('Whole answer.') +
      (kind === 'openai' ? 'event: response.completed\n\n' : finish(stop) + 'event: message_stop\n\n'),
    gives: { text: 'Whole answer.' },
  },
  {
    name: 'what only looks like an end mark',
    kinds: chat,
    sends: ({ text }) =>
      text('Half ') +
      'event: content.done\ndata: {}\n\ndata: {"done": false}\n\nevent: content.done\n\nevent: ping\n\n' +
      chunk({ type: 'complete', choices: [{ index: 0, delta: { content: 'an ans' } }] }) +
      'data: ended\n\n',
    gives: { fails: 'agent-failed', text: 'Half an ans', cause: 'broke_off' },
  },
  {
    name: 'the end mark of chat completions behind its own',
    kinds: ['openai', 'anthropic'],
    sends: (protocol) => `${stream(protocol, answer)}data: [DONE]\n\n`,
    gives: whole,
  },
  ...['', 'null', null, 0].map((word): Habit => ({
    name: `a finish of ${JSON.stringify(word)} for "not yet", and a finish then`,
    kinds: chat,
    sends: ({ mark }) => choice({ content: 'Whole ' }, word) + choice({ content: 'answer.' }, 'stop') + mark,
    gives: { text: 'Whole answer.' },
  })),
  {
    name: 'words and a closed connection, with neither finish nor end mark',
    sends: ({ begin, text }) => begin() + text('Half an ans'),
    gives: { fails: 'agent-failed', text: 'Half an ans', cause: 'broke_off' },
  },
  {
    name: 'words and usage, with neither finish nor end mark',
    kinds: chat,
    sends: ({ text }) => text('Half an ans') + usageChunk(usage),
    gives: { fails: 'agent-failed', text: 'Half an ans', usage: readUsage, cause: 'broke_off' },
  },
  ...[{}, { usage: null }].map((more): Habit => ({
    name: `a finish without usage: ${JSON.stringify(more)}`,
    kinds: messages,
    sends: ({ begin, text, mark }) =>
      begin(usage) +
      text('Whole answer.') +
      named({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, ...more }) +
      mark,
    gives: { text: 'Whole answer.', usage: { inputTokens: 321 } },
  })),
  {
    name: 'a stop reason of null to the end',
    kinds: messages,
    sends: ({ begin, text }) => begin(usage) + text('Half an ans'),
    gives: { fails: 'agent-failed', text: 'Half an ans', usage: { inputTokens: 321 }, cause: 'broke_off' },
  },
];

/** The words for an end. Any word is one, but for those that say that there is none. */
const chatWords = (finish: 'stop' | 'length', ...words: readonly string[]) =>
  words.map((word): Habit => ({
    name: `the finish "${word}"`,
    kinds: chat,
    sends: (protocol) => stream(protocol, { ...answer, word }),
    gives: { ...whole, finish },
  }));
const failingWords = (...words: readonly string[]) =>
  words.map((word): Habit => ({
    name: `words and the finish "${word}"`,
    kinds: chat,
    sends: (protocol) => stream(protocol, { ...answer, word }),
    gives: { fails: 'agent-failed', text: 'Whole answer.', usage: readUsage },
  }));

export const words: readonly Habit[] = [
  ...chatWords(
    'stop',
    'stop',
    'end_turn',
    'eos',
    'eos_token',
    'stop_sequence',
    'STOP',
    'completed',
    'COMPLETE',
    'done',
  ),
  ...chatWords('stop', 'content_filter', 'SAFETY', 'refusal', 'sensitive', 'a-word-of-next-year'),
  ...chatWords('length', 'length', 'max_tokens', 'MAX_TOKENS', 'model_length', 'max_output_tokens', 'max_new_tokens'),
  ...chatWords('length', 'token_limit', 'model_context_window_exceeded'),
  ...failingWords('error', 'tool_calls', 'function_call', 'network_error', 'insufficient_system_resource', 'abort'),
  ...failingWords('exception', 'preempted', 'disconnected', 'killed'),
  ...(['pause_turn', 'stop_sequence', 'end_turn'] as const).map((word): Habit => ({
    name: `the finish "${word}"`,
    kinds: messages,
    sends: (protocol) => stream(protocol, { ...answer, word }),
    gives: whole,
  })),
  {
    name: 'the finish "model_context_window_exceeded"',
    kinds: messages,
    sends: (protocol) => stream(protocol, { ...answer, word: 'model_context_window_exceeded' }),
    gives: { ...whole, finish: 'length' },
  },
  {
    name: 'a cut at the limit',
    sends: (protocol) => stream(protocol, { ...answer, word: protocol.words.length }),
    gives: { ...whole, finish: 'length' },
  },
  {
    name: 'a refusal after words',
    sends: (protocol) => stream(protocol, { ...answer, word: protocol.words.refusal }),
    gives: whole,
  },
];
