import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { clipText, clipTurn } from './clip.ts';

const MARKER = / \[… (\d+) characters left out …\] /;

const message = (role: 'user' | 'assistant', content: string) =>
  Object.freeze({ role, content, tokenCount: Math.ceil(content.length / 4) });
const user = (length: number) => message('user', 'u'.repeat(length));
const reply = (length: number) => message('assistant', 'a'.repeat(length));
const tokensOf = (turn: readonly { readonly tokenCount: number }[]) => turn.map(({ tokenCount }) => tokenCount);

describe('clipText', () => {
  it('keeps both ends and says how many characters are missing', () => {
    expect(clipText('0123456789'.repeat(10), 60)).toBe('012345678901234 [… 71 characters left out …] 67890123456789');
    expect('012345678901234'.length + 71 + '67890123456789'.length).toBe(100);
  });

  it('leaves a text alone that fits', () => {
    expect(clipText('abc', 3)).toBe('abc');
  });

  it('keeps only the start where there is no room for a marker and some text', () => {
    expect(clipText('0123456789'.repeat(10), 12)).toBe('01234567890…');
    expect(clipText('abc', 1)).toBe('…');
    expect(clipText('abc', 0)).toBe('');
  });

  it.each([
    ['a surrogate pair', '😀'],
    ['a letter and its accents', 'e\u0301\u0323'],
    ['a joined emoji', '👩🏽\u200d🚀'],
  ])('never cuts within %s', (_, character) => {
    const text = character.repeat(60);
    const whole = new RegExp(`^(?:${character})*$`, 'u');
    for (let length = 4; length < text.length; length += 1) {
      const [head = '', , tail = ''] = clipText(text, length).replace(/…$/, '').split(MARKER);
      expect(head).toMatch(whole);
      expect(tail).toMatch(whole);
    }
  });

  const unit = fc.constantFrom('a', ' ', '😀', '\u0301', '\u200d', '\ud83d');

  it('is never longer than it may be', () => {
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 300 }), fc.nat(200), (text, length) => {
        expect(clipText(text, length).length).toBeLessThanOrEqual(length);
      }),
    );
  });

  it('counts what is missing', () => {
    const texts = fc.string({ unit, minLength: 120, maxLength: 300 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 60, max: 119 }), (text, length) => {
        const [head, missing, tail] = clipText(text, length).split(MARKER);
        expect(head!.length + Number(missing) + tail!.length).toBe(text.length);
        expect(text.startsWith(head!) && text.endsWith(tail!)).toBe(true);
      }),
    );
  });
});

describe('clipTurn', () => {
  it('leaves a turn alone that fits', () => {
    const turn = [user(400), reply(400)];
    expect(clipTurn(turn, 200)).toEqual(turn);
  });

  it('keeps a short reply whole and clips the pasted text', () => {
    expect(tokensOf(clipTurn([user(100_000), reply(400)], 3000))).toEqual([2900, 100]);
  });

  it('keeps a short question whole and clips the long reply', () => {
    expect(tokensOf(clipTurn([user(40), reply(30_000)], 3000))).toEqual([10, 2990]);
  });

  it('gives the reply three quarters where both are long', () => {
    expect(tokensOf(clipTurn([user(100_000), reply(100_000)], 3000))).toEqual([750, 2250]);
  });

  it('shares among replies, and gives what short ones do not need to long ones', () => {
    expect(tokensOf(clipTurn([user(100_000), reply(40), reply(9000), reply(9000)], 2000))).toEqual([500, 10, 745, 745]);
  });

  it('leaves out the oldest replies where there are fewer tokens than messages', () => {
    const turn = [user(400), ...['one', 'two', 'six', 'ten'].map((word) => message('assistant', word.repeat(50)))];
    expect(clipTurn(turn, 3).map(({ content }) => content)).toEqual(['uuu…', 'six…', 'ten…']);
  });

  it('keeps what else a message has, and changes nothing of what it was given', () => {
    const turn = Object.freeze([Object.freeze({ ...user(4000), id: 'kept' })]);
    const [clipped] = clipTurn(turn, 100);
    expect(clipped).toMatchObject({ id: 'kept', role: 'user', tokenCount: 100 });
    expect(turn[0]!.content).toHaveLength(4000);
  });

  it('stays within its tokens, says something in every message, and spares the replies', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 600 }), ([asked, ...replied], tokens) => {
        const turn = [user(asked!), ...replied.map(reply)];
        const clipped = clipTurn(turn, tokens);
        const sum = (messages: readonly { readonly tokenCount: number }[]) =>
          tokensOf(messages).reduce((all, count) => all + count, 0);
        expect(sum(clipped)).toBeLessThanOrEqual(tokens);
        for (const { content, tokenCount } of clipped) {
          expect(content).not.toBe('');
          expect(Math.ceil(content.length / 4)).toBe(tokenCount);
        }
        expect(clipped[0]!.role).toBe('user');
        const needed = sum(turn.slice(1));
        // Cutting is done by whole tokens, message by message.
        const least = Math.min(needed, Math.floor((tokens * 3) / 4)) - clipped.length;
        expect(sum(clipped.slice(1))).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});
