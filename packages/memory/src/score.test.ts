import { describe, expect, it } from 'vitest';

import { scoreMessages } from './score.ts';

function scoresOf(contents: readonly string[], question: string): number[] {
  const steps = scoreMessages(contents, question);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return [...value];
  }
}

const chatter = (count: number) => Array.from({ length: count }, (_, number) => `nothing of note ${number}`);

describe('scoreMessages', () => {
  it('is BM25 by this conversation’s statistics, and lends a part of it to both neighbours', () => {
    // Reckoned by hand. Three messages of 3, 2 and 3 terms, 8/3 on average.
    // apple is in two: ln(1 + 1.5/2.5) = 0.470004; red in one: ln(1 + 2.5/1.5) = 0.980829.
    // First: (0.470004 + 0.980829) · 2.2 / (1 + 1.2 · (0.25 + 0.75 · 3 / (8/3))) = 1.380251
    // Second: 0.470004 · 2.2 / (1 + 1.2 · (0.25 + 0.75 · 2 / (8/3))) = 0.523549
    const scores = scoresOf(['red apple pie', 'green apple', 'blue sky today'], 'red apple');
    expect(scores[0]).toBeCloseTo(1.380251 + 0.6 * 0.523549, 5);
    expect(scores.map((score) => score.toFixed(6))).toEqual(['1.694381', '1.351699', '0.314129']);
  });

  it('counts a term once a message, however often it is said', () => {
    const [once, often] = scoresOf(['red pie tart', 'red red red', ...chatter(5)], 'red');
    expect(often).toBe(once);
  });

  it('takes the better neighbour, not both', () => {
    const scores = scoresOf(['otter one two', 'in between here', 'otter one two'], 'otter');
    expect(scores[1]!).toBeCloseTo(0.6 * (scores[0]! - 0), 6);
  });

  it('has nothing to say of no messages, of one without the words, and of a question without words', () => {
    expect(scoresOf([], 'otter')).toEqual([]);
    expect(scoresOf(['badger'], 'otter')).toEqual([0]);
    expect(scoresOf(['badger', 'otter'], '')).toEqual([0, 0]);
    expect(scoresOf(['', ''], 'otter')).toEqual([0, 0]);
  });

  it('finds the word in one message, and in one of two', () => {
    expect(scoresOf(['otter'], 'otter')[0]).toBeCloseTo(Math.log(4 / 3), 6);
    const [badger, otter] = scoresOf(['badger', 'otter'], 'otter');
    expect(otter).toBeCloseTo(Math.log(2), 6);
    expect(badger).toBeCloseTo(0.6 * Math.log(2), 6);
  });

  it('is zero where the best message holds too little of the question', () => {
    const contents = ['the otter sleeps', ...chatter(20)];
    expect(Math.max(...scoresOf(contents, 'otter kayak paddle'))).toBeGreaterThan(0);
    expect(Math.max(...scoresOf(contents, 'otter kayak paddle helmet vest rope anchor'))).toBe(0);
  });

  it('is zero where all that is found is common', () => {
    const often = (times: number) => [...chatter(100 - times), ...Array.from({ length: times }, () => 'green tea')];
    expect(Math.max(...scoresOf(often(1), 'green'))).toBeGreaterThan(0);
    expect(Math.max(...scoresOf(often(6), 'green'))).toBe(0);
  });

  describe('in scripts without spaces', () => {
    const among = (text: string, chatterText = 'nothing of note', times = 600) => [
      text,
      ...Array.from({ length: times }, () => chatterText),
    ];
    const finds = (contents: readonly string[], question: string) => scoresOf(contents, question)[0]! > 0;

    it('takes two Chinese characters or Korean syllables for a word', () => {
      expect(finds(among('我的猫叫豆包'), '豆包几岁？')).toBe(true);
      expect(finds(among('고양이 이름은 콩떡'), '콩떡 나이?')).toBe(true);
    });

    it('takes two pairs of kana for a word, not one', () => {
      expect(finds(among('うちの猫はモナカ'), 'モナカは何歳？')).toBe(true);
      expect(finds(among('うちの猫はモナ'), 'モナは何歳？')).toBe(false);
    });

    it('takes three pairs of Thai letters for a word, not two', () => {
      expect(finds(among('แมวชื่อหมวย'), 'หมวย')).toBe(true);
      expect(finds(among('แมวชื่อหมว'), 'หมว')).toBe(false);
    });

    it('does not hold against a question that most of its pairs are in no message', () => {
      expect(finds(among('报错 E2047 是证书过期'), '又碰到 E2047 了，上次是怎么解决的？')).toBe(true);
      expect(finds(among('京都の旅館を三泊予約しました'), '京都経緯詳細報告書類提出についての文章作成を依頼')).toBe(
        false,
      );
    });

    it('takes no number of pairs that many messages hold for a word', () => {
      const thanks = 'ありがとうございます';
      const often = (times: number) => [...among(thanks, thanks, times - 1), ...chatter(600 - times)];
      expect(finds(often(20), thanks)).toBe(true);
      expect(finds(often(40), thanks)).toBe(false);
    });
  });

  it('yields after each message, and within long ones', () => {
    const count = (contents: readonly string[]) => [...scoreMessages(contents, 'otter')].length;
    expect(count(['a', 'b', 'c']) - count(['a', 'b'])).toBe(1);
    expect(count(['word '.repeat(20_000)])).toBeGreaterThan(20);
  });
});
