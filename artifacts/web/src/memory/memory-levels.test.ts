import { turnBody } from '@timmy-tower/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  askedMemory,
  describeMemory,
  memoriesOf,
  memoryAt,
  memoryCostMsat,
  rememberedLength,
} from './memory-levels.ts';

const settings = {
  history: { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 },
  historyLimit: { maxMessages: 200, tokenBudget: 32_000 },
};

test('short is the last exchange alone, normal the server’s own, long 200 messages', () => {
  expect(memoriesOf(settings)).toEqual({
    short: { maxMessages: 2, tokenBudget: 4000, recallTokens: 0 },
    normal: settings.history,
    long: { maxMessages: 200, tokenBudget: 16_000, recallTokens: 4000 },
  });
});

test('what is normal is not said: the server fills it in', () => {
  expect(askedMemory('normal', settings)).toBeUndefined();
  expect(askedMemory('short', settings)).toEqual({ maxMessages: 2, tokenBudget: 4000, recallTokens: 0 });
});

describe('what a server allows', () => {
  test('lowers what is long', () => {
    const historyLimit = { maxMessages: 20, tokenBudget: 6000 };
    expect(memoriesOf({ ...settings, historyLimit }).long).toEqual({
      maxMessages: 20,
      tokenBudget: 6000,
      recallTokens: 3000,
    });
  });

  test.each([
    ['a limit that is the default', settings.history, settings.history, ['short', 'normal']],
    [
      'more than long by default',
      { maxMessages: 300, tokenBudget: 20_000, recallTokens: 0 },
      undefined,
      ['short', 'normal'],
    ],
    ['little by default', { maxMessages: 2, tokenBudget: 4000, recallTokens: 0 }, undefined, ['normal', 'long']],
    ['nothing by default', { maxMessages: 0, tokenBudget: 4000, recallTokens: 0 }, undefined, ['normal', 'long']],
    [
      'nothing at all',
      { maxMessages: 0, tokenBudget: 4000, recallTokens: 0 },
      { maxMessages: 0, tokenBudget: 9000 },
      ['normal'],
    ],
    [
      'a budget too small to show anything',
      { maxMessages: 8, tokenBudget: 63, recallTokens: 0 },
      { maxMessages: 9, tokenBudget: 63 },
      ['normal'],
    ],
  ] as const)('%s: only what differs is offered', (_, history, limit, offered) => {
    const historyLimit = limit ?? settings.historyLimit;
    expect(Object.keys(memoriesOf({ history, historyLimit }))).toEqual(offered);
  });

  test('a level that is offered no more is the normal one', () => {
    const less = { ...settings, historyLimit: settings.history };
    expect(memoryAt('long', less)).toEqual(settings.history);
    expect(askedMemory('long', less)).toBeUndefined();
  });

  test('a server of the version before, which tells neither, is asked for nothing', () => {
    expect(memoriesOf({})).toEqual({});
    expect(memoryAt('long', {})).toBeUndefined();
    expect(askedMemory('long', {})).toBeUndefined();
  });
});

const tokens = fc.integer({ min: 0, max: 40_000 });
const messages = fc.integer({ min: 0, max: 400 });

test('whatever a server’s defaults and limits are, it takes what is sent to it', () => {
  const limits = fc.record({ messages, tokens, fewer: messages, less: tokens, recall: tokens }).map((drawn) => ({
    historyLimit: { maxMessages: drawn.messages, tokenBudget: drawn.tokens },
    history: {
      maxMessages: Math.min(drawn.fewer, drawn.messages),
      tokenBudget: Math.min(drawn.less, drawn.tokens),
      recallTokens: Math.min(drawn.recall, drawn.tokens),
    },
  }));
  fc.assert(
    fc.property(limits, fc.constantFrom('short', 'long'), (limited, level) => {
      const body = turnBody({ minDepositSats: 1, maxDepositSats: 2, maxOutputTokens: 1, ...limited });
      const sent = { content: 'hello', history: askedMemory(level, limited) };
      expect(body.safeParse(sent).error?.issues).toBeUndefined();
    }),
  );
});

test('of a long message as much is remembered as the budget has without the recall, which is half of it at most', () => {
  expect(rememberedLength(settings.history)).toBe(12_000);
  expect(rememberedLength({ maxMessages: 2, tokenBudget: 4000, recallTokens: 0 })).toBe(16_000);
  expect(rememberedLength({ maxMessages: 2, tokenBudget: 1001, recallTokens: 900 })).toBe(501 * 4);
});

test('what is remembered costs its budget at most, rounded up', () => {
  expect(memoryCostMsat(settings.history, { inputMsatPerKtoken: 3000 })).toBe(12_000);
  expect(memoryCostMsat({ ...settings.history, tokenBudget: 1 }, { inputMsatPerKtoken: 1 })).toBe(1);
});

test.each([
  [settings.history, 'up to 8 of the newest messages, and earlier ones that fit'],
  [{ ...settings.history, recallTokens: 0 }, 'up to 8 of the newest messages'],
  [{ maxMessages: 2, tokenBudget: 4000, recallTokens: 0 }, 'your last message and its reply'],
  [{ maxMessages: 8, tokenBudget: 63, recallTokens: 0 }, 'nothing of what was said before'],
])('%j in words', (memory, words) => {
  expect(describeMemory(memory)).toBe(words);
});
