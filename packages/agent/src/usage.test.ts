import { describe, expect, test } from 'vitest';

import { countTokensAtOnce, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';
import { completeUsage, type ReportedUsage, type Usage } from './usage.ts';

const prompt = {
  history: [
    { role: 'user', content: 'How do I brew coffee?' },
    { role: 'assistant', content: '1. Heat water.' },
  ],
  message: 'make it shorter',
} as const;
const exchange = {
  prompt,
  overheadTokens: 100,
  reply: 'Heat water, then pour it.',
  reasoning: 'Which water?',
  isWhole: true,
};
const ours: Usage = {
  inputTokens:
    100 +
    countTokensAtOnce('How do I brew coffee?') +
    countTokensAtOnce('1. Heat water.') +
    countTokensAtOnce('make it shorter') +
    3 * MESSAGE_OVERHEAD_TOKENS,
  outputTokens: countTokensAtOnce(exchange.reply) + countTokensAtOnce(exchange.reasoning),
  reasoningTokens: countTokensAtOnce(exchange.reasoning),
};

describe('the usage of a reply', () => {
  test.each<[string, ReportedUsage, Partial<Usage>]>([
    ['our own count where nothing is reported', {}, {}],
    ['our own count where zeros are', { inputTokens: 0, outputTokens: 0, reasoningTokens: 0 }, {}],
    [
      'what is reported',
      { inputTokens: 30, outputTokens: 40, reasoningTokens: 9 },
      { inputTokens: 30, outputTokens: 40, reasoningTokens: 9 },
    ],
    ['half of it reported', { inputTokens: 30 }, { inputTokens: 30 }],
    ['the other half reported', { outputTokens: 40 }, { outputTokens: 40 }],
    [
      'our own output where far less is reported than was said',
      { inputTokens: 30, outputTokens: 1 },
      { inputTokens: 30 },
    ],
    ['reported by a tokenizer that needs half of ours', { outputTokens: 5 }, { outputTokens: 5, reasoningTokens: 3 }],
    [
      'never more reasoning than output',
      { outputTokens: 40, reasoningTokens: 400 },
      { outputTokens: 40, reasoningTokens: 40 },
    ],
  ])('is %s', async (_, reported, expected) => {
    expect(await completeUsage(reported, exchange)).toEqual({ ...ours, ...expected });
  });

  test('has our own input where far less is reported than the model was shown', async () => {
    const long = { ...exchange, prompt: { history: [], message: 'word '.repeat(5000) } };
    const counted = (await completeUsage({}, long)).inputTokens;
    expect(await completeUsage({ inputTokens: 1 }, long)).toMatchObject({ inputTokens: counted });
    expect(await completeUsage({ inputTokens: 4000 }, long)).toMatchObject({ inputTokens: 4000 });
  });

  test('has an input even of nothing, and no output where nothing was said', async () => {
    const nothing = {
      prompt: { history: [], message: '' },
      overheadTokens: 0,
      reply: '',
      reasoning: '',
      isWhole: true,
    };
    expect(await completeUsage({}, nothing)).toEqual({
      inputTokens: MESSAGE_OVERHEAD_TOKENS,
      outputTokens: 0,
      reasoningTokens: 0,
    });
  });

  test('of half a reply is at least what was said', async () => {
    const half = { ...exchange, isWhole: false };
    expect(await completeUsage({ inputTokens: 30, outputTokens: 5 }, half)).toEqual({ ...ours, inputTokens: 30 });
    expect(await completeUsage({ inputTokens: 30, outputTokens: 50 }, half)).toMatchObject({ outputTokens: 50 });
  });

  test('of silence is what is reported', async () => {
    const silence = { ...exchange, reply: '', reasoning: '' };
    expect(await completeUsage({ inputTokens: 30, outputTokens: 64 }, silence)).toMatchObject({ outputTokens: 64 });
  });
});
