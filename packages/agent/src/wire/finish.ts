/** How a reply ended, from the provider's own word for it. There is no list of these words: new ones turn up all the time. */
export type Finish = 'stop' | 'length' | 'filtered' | 'tools' | 'failed';

/** Words are compared in lower case and without separators. The first that fits decides; any other word is an end. */
const kinds: readonly (readonly [Finish, RegExp])[] = [
  // Nothing was offered that could be called: a call is no reply.
  ['tools', /tool|function/],
  [
    'failed',
    /error|exception|fail|abort|cancel|interrupt|preempt|disconnect|crash|kill|insufficient|overload|timeout|unavailable|ratelimit/,
  ],
  ['length', /length|max.*token|limit|window|truncat|incomplete|exhaust/],
  ['filtered', /filter|safety|refus|block|prohibit|sensitive|moderat|recitation|guardrail|spii|policy|violat/],
];

export function readFinish(word: string): Finish {
  const plain = word.toLowerCase().replaceAll(/[^a-z]/g, '');
  return kinds.find(([, pattern]) => pattern.test(plain))?.[0] ?? 'stop';
}
