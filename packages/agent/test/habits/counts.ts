/** How usage is reported: what the counts mean, when they come, and which of them can be true. */
import type { ReportedUsage } from '../../src/usage.ts';
import { choice, chunk, countsOf, usageChunk } from '../protocols/openai-compatible.ts';
import { named, type WireUsage } from '../protocols/protocol.ts';
import { chat, type Habit, messages, readUsage, responses, sentUsage as usage } from './habit.ts';

const done = 'data: [DONE]\n\n';
const said = choice({ content: 'Heat, pour.' });

const reported = (name: string, sent: WireUsage, read: ReportedUsage | undefined): Habit => ({
  name,
  kinds: chat,
  sends: () => said + choice({}, 'stop') + usageChunk(sent) + done,
  gives: { text: 'Heat, pour.', ...(read === undefined ? {} : { usage: read }) },
});

const only = (name: string, sends: () => string, read: ReportedUsage = readUsage): Habit => ({
  name,
  kinds: chat,
  sends,
  gives: { text: 'Heat, pour.', usage: read },
});

const cachedOf = (tokens: number) => ({ prompt_tokens_details: { cached_tokens: tokens } });

const responseUsage = (counts: Record<string, unknown>) =>
  named({ type: 'response.completed', response: { status: 'completed', usage: counts } });

export const counts: readonly Habit[] = [
  reported(
    'reasoning as a part of the output',
    { input: 20, output: 400, reasoning: 375, total: 420 },
    { inputTokens: 20, outputTokens: 400, reasoningTokens: 375 },
  ),
  reported(
    'reasoning outside of the output, told by the total',
    { input: 20, output: 1, reasoning: 375, total: 396 },
    { inputTokens: 20, outputTokens: 376, reasoningTokens: 375 },
  ),
  reported(
    'reasoning told by the total alone',
    { input: 20, output: 1, total: 396 },
    { inputTokens: 20, outputTokens: 376 },
  ),
  reported(
    'reasoning outside of output and total',
    { input: 20, output: 1, reasoning: 375, total: 21 },
    { inputTokens: 20, outputTokens: 376, reasoningTokens: 375 },
  ),
  reported('no output, and a total', { input: 20, total: 32 }, { inputTokens: 20, outputTokens: 12 }),
  reported('a total below its parts', { input: 321, output: 12, total: 5 }, readUsage),
  reported('a total that no model can have', { input: 321, output: 12, total: 4_294_967_295 }, readUsage),
  reported('counts as text', { input: '321', output: '12' }, readUsage),
  reported(
    'an input that no model can have',
    { input: 4_294_967_295, output: 12, total: 4_294_967_307 },
    { outputTokens: 12 },
  ),
  reported('an input far above what was sent', { input: 900_000, output: 12 }, { outputTokens: 12 }),
  reported('an output that no model can have', { input: 321, output: 4_294_967_295 }, { inputTokens: 321 }),
  reported('negative counts', { input: -1, output: -1 }, undefined),
  reported('fractions', { input: 321.5, output: 12 }, { outputTokens: 12 }),
  reported('numbers beyond all numbers', { input: 1e300, output: '99999999999999999999' }, undefined),
  reported('words for counts', { input: 'many', output: {} }, undefined),
  reported('nulls for counts', { input: null, output: null }, undefined),
  reported('zeros', { input: 0, output: 0, total: 0 }, undefined),
  reported('no output where words were said', { input: 321, output: 0 }, { inputTokens: 321 }),
  only(
    'usage with every piece, growing',
    () =>
      choice({ content: 'Heat, ' }, null, { usage: countsOf({ input: 321, output: 3 }) }) +
      choice({ content: 'pour.' }, 'stop', { usage: countsOf(usage) }) +
      done,
  ),
  only('usage before the finish', () => said + usageChunk(usage) + choice({}, 'stop') + done),
  only(
    'usage, and zeros at the end',
    () => said + usageChunk(usage) + choice({}, 'stop') + usageChunk({ input: 0, output: 0 }) + done,
  ),
  only(
    'usage, and an output of zero at the end',
    () => said + usageChunk(usage) + choice({}, 'stop') + usageChunk({ input: 321, output: 0 }) + done,
  ),
  only(
    'usage, and null at the end',
    () => said + usageChunk(usage) + choice({}, 'stop') + chunk({ choices: [], usage: null }) + done,
  ),
  only(
    'usage in the choice',
    () => said + chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: countsOf(usage) }] }) + done,
  ),
  only(
    'usage in a field of the provider’s own',
    () => said + choice({}, 'stop', { x_groq: { usage: countsOf(usage) } }) + done,
  ),
  only(
    'counts of other names',
    () => said + choice({}, 'stop', { usage: { input_tokens: 321, output_tokens: 12 } }) + done,
  ),
  only(
    'counts of names in another case',
    () => said + choice({}, 'stop', { usage: { promptTokens: 321, completionTokens: 12, totalTokens: 333 } }) + done,
  ),
  only(
    'an empty usage, and the provider’s own',
    () => said + choice({}, 'stop', { usage: {}, x_groq: { usage: countsOf(usage) } }) + done,
  ),
  only(
    'input from a cache apart, told by the total',
    () => said + chunk({ usage: { ...countsOf({ input: 300, output: 12, total: 333 }), ...cachedOf(21) } }) + done,
  ),
  only(
    'input from a cache that is more than the input',
    () => said + chunk({ usage: { ...countsOf({ input: 21, output: 12 }), ...cachedOf(300) } }) + done,
  ),
  only(
    'input from a cache as a part of the input',
    () => said + chunk({ usage: { ...countsOf({ input: 321, output: 12, total: 333 }), ...cachedOf(300) } }) + done,
  ),
  only(
    'input from a cache that makes it more than a model can have',
    () => said + chunk({ usage: { ...countsOf(usage), ...cachedOf(33_000) } }) + done,
  ),
  only(
    'input from a cache that no model can have',
    () => said + chunk({ usage: { ...countsOf(usage), ...cachedOf(4_294_967_295) } }) + done,
  ),
  only('usage right behind the end mark', () => said + choice({}, 'stop') + done + usageChunk(usage)),
  {
    name: 'input from a cache apart',
    kinds: messages,
    sends: ({ text, mark }) =>
      named({
        type: 'message_start',
        message: {
          usage: { input_tokens: 21, cache_creation_input_tokens: 100, cache_read_input_tokens: 200, output_tokens: 1 },
        },
      }) +
      text('Heat, pour.') +
      named({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 12 } }) +
      mark,
    gives: { text: 'Heat, pour.', usage: readUsage },
  },
  {
    name: 'all usage at the end, zeros at the beginning',
    kinds: messages,
    sends: ({ begin, text, mark }) =>
      begin() +
      text('Heat, pour.') +
      named({
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { input_tokens: 321, output_tokens: 12, cache_read_input_tokens: null },
      }) +
      mark,
    gives: { text: 'Heat, pour.', usage: readUsage },
  },
  {
    name: 'input counts that no model can have',
    kinds: messages,
    sends: ({ begin, text, finish, mark }) =>
      begin({ input: 4_294_967_295 }) + text('Heat, pour.') + finish('end_turn', usage) + mark,
    gives: { text: 'Heat, pour.', usage: { outputTokens: 12 } },
  },
  {
    name: 'reasoning as a part of the output of a response',
    kinds: responses,
    sends: ({ begin, text }) =>
      begin() +
      text('Heat, pour.') +
      responseUsage({ input_tokens: 20, output_tokens: 400, output_tokens_details: { reasoning_tokens: 375 } }),
    gives: { text: 'Heat, pour.', usage: { inputTokens: 20, outputTokens: 400, reasoningTokens: 375 } },
  },
  {
    name: 'counts of a response that no model can have',
    kinds: responses,
    sends: ({ begin, text }) => begin() + text('Heat, pour.') + responseUsage({ input_tokens: -1, output_tokens: 1.5 }),
    gives: { text: 'Heat, pour.' },
  },
];
