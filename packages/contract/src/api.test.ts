import { describe, expect, test } from 'vitest';

import { depositBody, messagesQuery, turnBody } from './api.ts';
import { MAX_CONTENT_LENGTH } from './limits.ts';

const limits = {
  minDepositSats: 10,
  maxDepositSats: 1_000_000,
  maxOutputTokens: 1024,
  history: { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 },
  historyLimit: { maxMessages: 200, tokenBudget: 32_000 },
};

describe('a turn', () => {
  const turn = turnBody(limits);

  test.each([
    ['its content alone', { content: 'hi' }],
    ['one bound of its history', { content: 'hi', history: { maxMessages: 0 } }],
    ['everything', { content: 'hi', maxOutputTokens: 1, history: { maxMessages: 1, tokenBudget: 1 } }],
  ])('is taken with %s, as it was said', (_, body) => {
    expect(turn.parse(body)).toEqual(body);
  });

  test.each([
    ['no content', {}],
    ['blank content', { content: ' \n' }],
    ['content that is too long', { content: 'x'.repeat(MAX_CONTENT_LENGTH + 1) }],
    ['a history beyond the limit', { content: 'hi', history: { maxMessages: 201 } }],
    ['a negative budget', { content: 'hi', history: { tokenBudget: -1 } }],
    ['an output above the limit', { content: 'hi', maxOutputTokens: 1025 }],
    ['an unknown field', { content: 'hi', temperature: 1 }],
  ])('is refused with %s', (_, body) => {
    expect(turn.safeParse(body).success).toBe(false);
  });
});

test('a deposit is whole sats within the limits', () => {
  const deposit = depositBody(limits);
  expect(deposit.safeParse({ amountSats: 10 }).success).toBe(true);
  for (const amountSats of [9, 1_000_001, -1, 10.5, '10', Number.NaN, null]) {
    expect(deposit.safeParse({ amountSats }).success).toBe(false);
  }
});

test('a page of messages has a limit from 1 to 200', () => {
  expect(messagesQuery.parse({})).toEqual({ limit: 50, order: 'asc' });
  expect(messagesQuery.parse({ limit: '200', order: 'desc' })).toEqual({ limit: 200, order: 'desc' });
  for (const limit of ['0', '201', '1.5', 'many', '']) expect(messagesQuery.safeParse({ limit }).success).toBe(false);
});
