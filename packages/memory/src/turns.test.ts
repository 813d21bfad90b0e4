import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { promptWindow, toTurns, type WindowBounds } from './turns.ts';

interface Row {
  readonly name: string;
  readonly role: 'user' | 'assistant';
  readonly tokenCount: number;
}

/** `u300` is a user's message of 300 tokens, `a10` a reply of 10. */
const rows = (...names: string[]): Row[] =>
  names.map((name) => ({ name, role: name.startsWith('u') ? 'user' : 'assistant', tokenCount: Number(name.slice(1)) }));

const usual = { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 };

function show(messages: readonly Row[], bounds: Partial<WindowBounds> = {}) {
  const window = promptWindow(messages, { ...usual, ...bounds });
  const { clipped, recallTokens } = window;
  return {
    shown: window.messages.map(({ name }) => name).join(' '),
    ...(clipped && { clipped: `${clipped.messages}: ${clipped.tokens}` }),
    recallTokens,
  };
}

describe('toTurns', () => {
  it('begins a turn with each user’s message, and leaves out replies before the first', () => {
    const turns = toTurns(rows('a1', 'u1', 'a2', 'a3', 'u2', 'u3', 'a4'));
    expect(turns.map((turn) => turn.map(({ name }) => name))).toEqual([['u1', 'a2', 'a3'], ['u2'], ['u3', 'a4']]);
  });

  it('has no turns where nobody asked', () => {
    expect(toTurns([])).toEqual([]);
    expect(toTurns(rows('a1'))).toEqual([]);
  });
});

describe('promptWindow', () => {
  it.each([
    ['all, where all fits', rows('u1', 'a2'), {}, { shown: 'u1 a2', recallTokens: 1000 }],
    ['no reply before the first user’s message', rows('a9', 'u1', 'a2'), {}, { shown: 'u1 a2', recallTokens: 1000 }],
    [
      'whole turns only',
      rows('u1', 'a2', 'u3', 'a4', 'u5'),
      { maxMessages: 4 },
      { shown: 'u3 a4 u5', recallTokens: 1000 },
    ],
    [
      'a turn up to the whole budget, and recalls what is left',
      rows('u3900', 'a50'),
      {},
      { shown: 'u3900 a50', recallTokens: 50 },
    ],
    ['no recall where the window took all', rows('u4000'), {}, { shown: 'u4000', recallTokens: 0 }],
    [
      'the last turn clipped to what recall leaves',
      rows('u25000', 'a10'),
      {},
      { shown: 'u25000 a10', clipped: '2: 3000', recallTokens: 1000 },
    ],
    [
      'an earlier turn clipped, which ends the window',
      rows('u1', 'a2', 'u25000', 'a10', 'u100', 'a100'),
      {},
      { shown: 'u25000 a10 u100 a100', clipped: '2: 2800', recallTokens: 1000 },
    ],
    [
      'an earlier turn clipped to 200 tokens',
      rows('u25000', 'a10', 'u2700', 'a100'),
      {},
      { shown: 'u25000 a10 u2700 a100', clipped: '2: 200', recallTokens: 1000 },
    ],
    [
      'no turn clipped to less',
      rows('u25000', 'a10', 'u2701', 'a100'),
      {},
      { shown: 'u2701 a100', recallTokens: 1000 },
    ],
    [
      'no turn clipped for too many messages',
      rows('u25000', 'a10', 'u1', 'a1'),
      { maxMessages: 3 },
      { shown: 'u1 a1', recallTokens: 1000 },
    ],
    [
      'of a turn of many rows, its user’s message and the newest',
      rows('u1', 'a1', 'a2', 'a3', 'a4'),
      { maxMessages: 3 },
      { shown: 'u1 a3 a4', recallTokens: 1000 },
    ],
    [
      'only the rows that are shown are counted',
      rows('u1', 'a9000', 'a3', 'a4'),
      { maxMessages: 3 },
      { shown: 'u1 a3 a4', recallTokens: 1000 },
    ],
    ['two for one', rows('u1', 'a1', 'u2', 'a2'), { maxMessages: 1 }, { shown: 'u2 a2', recallTokens: 1000 }],
    ['nothing for no messages', rows('u1'), { maxMessages: 0 }, { shown: '', recallTokens: 0 }],
    ['nothing for no tokens', rows('u1'), { tokenBudget: 0 }, { shown: '', recallTokens: 0 }],
    ['nothing under 64 tokens', rows('u1'), { tokenBudget: 63 }, { shown: '', recallTokens: 0 }],
    [
      'half of the budget for the last turn, however much was to be recalled',
      rows('u999'),
      { tokenBudget: 65, recallTokens: 1000 },
      { shown: 'u999', clipped: '1: 33', recallTokens: 32 },
    ],
    ['nothing where there is nothing', [], {}, { shown: '', recallTokens: 1000 }],
  ])('shows %s', (_, messages, bounds, expected) => {
    expect(show(messages, bounds)).toEqual(expected);
  });

  it('stays within both bounds, is contiguous, and begins with a user’s message', () => {
    const row = fc.record({
      name: fc.constant(''),
      role: fc.constantFrom('user' as const, 'assistant' as const),
      tokenCount: fc.nat(600),
    });
    const bounds = fc.record({ maxMessages: fc.nat(12), tokenBudget: fc.nat(2000), recallTokens: fc.nat(1500) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), bounds, (messages, limits) => {
        const window = promptWindow(messages, limits);
        const whole = window.messages.slice(window.clipped?.messages ?? 0);
        const tokens = whole.reduce((sum, { tokenCount }) => sum + tokenCount, window.clipped?.tokens ?? 0);
        expect(tokens + window.recallTokens).toBeLessThanOrEqual(limits.tokenBudget);
        expect(window.messages.length).toBeLessThanOrEqual(limits.maxMessages === 1 ? 2 : limits.maxMessages);
        const isShowing =
          limits.maxMessages > 0 && limits.tokenBudget >= 64 && messages.some(({ role }) => role === 'user');
        expect(window.messages.length > 0).toBe(isShowing);
        if (!isShowing) return;
        expect(window.messages[0]!.role).toBe('user');
        const turns = toTurns(window.messages).length;
        expect(toTurns(window.messages).slice(1)).toEqual(
          toTurns(messages).slice(toTurns(messages).length - turns + 1),
        );
      }),
    );
  });
});
