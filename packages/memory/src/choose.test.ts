import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BLOCK_PROMPT_TOKENS, promptTokensInBlock } from './block.ts';
import { type RecallableMessage, type RecallRequest, recall } from './choose.ts';

const said = (content: string, at: number, role: 'user' | 'assistant' = at % 2 === 0 ? 'user' : 'assistant') =>
  Object.freeze({
    role,
    content,
    tokenCount: Math.ceil(content.length / 4),
    promptTokens: Math.ceil(content.length / 4),
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, at)),
  });
const conversation = (...contents: string[]) => Object.freeze(contents.map((content, at) => said(content, at)));
const chatter = (count: number) => Array.from({ length: count }, (_, number) => `small talk ${number} and more of it`);

function recallNow(request: Partial<RecallRequest> & Pick<RecallRequest, 'before'>) {
  const opening = request.before.find(({ role }) => role === 'user');
  const steps = recall(Object.freeze({ opening, question: '', tokens: 1000, promptTokens: 3000, ...request }));
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
const contentsOf = (request: Parameters<typeof recallNow>[0]) =>
  recallNow(request).messages.map(({ content }) => content);

describe('recall', () => {
  const talk = ['Plan my trip', 'Gladly.', ...chatter(20), 'My dog is called Biscuit', 'Cute!', ...chatter(20)];
  const question = 'what is my dog called';

  it('shows the opening, the hit, the other half of its turn, and neighbours within the budget, oldest first', () => {
    const contents = contentsOf({ before: conversation(...talk), question });
    expect(contents[0]).toBe('Plan my trip');
    expect(contents).toContain('My dog is called Biscuit');
    expect(contents[contents.indexOf('My dog is called Biscuit') + 1]).toBe('Cute!');
  });

  it('shows the opening alone where the question has nothing to do with what was said', () => {
    expect(contentsOf({ before: conversation(...talk), question: 'capital of Australia' })).toEqual(['Plan my trip']);
  });

  it('has nothing to show of nothing', () => {
    expect(recallNow({ before: [], question })).toEqual({ messages: [], clipped: false });
  });

  it('clips an opening to a quarter of the tokens, and says so', () => {
    const before = conversation(`${'long '.repeat(2000)}ago`, 'ok');
    const { messages, clipped } = recallNow({ before });
    expect(clipped).toBe(true);
    expect(messages[0]).toMatchObject({ role: 'user', tokenCount: 250, promptTokens: 250 });
    expect(messages[0]!.content).toMatch(/^long .* \[… \d+ characters left out …\] .*ago$/);
    expect(recallNow({ before: conversation('short') }).clipped).toBe(false);
  });

  it('shows an opening that lies further back than what was read', () => {
    const opening = said('Call me Ishmael', -2);
    const before = conversation(...talk);
    expect(contentsOf({ before, opening })).toEqual(['Call me Ishmael']);
  });

  it('shows an opening once, also where it is another object', () => {
    const before = conversation(...talk);
    expect(contentsOf({ before, opening: { ...before[0]! }, question: 'plan trip' })).toEqual([
      'Plan my trip',
      'Gladly.',
    ]);
  });

  it('keeps its place where a reply came before the opening', () => {
    const before = [
      said('Welcome aboard!', 0, 'assistant'),
      said('Plan my trip', 1, 'user'),
      said('Gladly.', 2, 'assistant'),
    ];
    expect(contentsOf({ before, question: 'aboard' })[0]).toBe('Welcome aboard!');
  });

  it('leaves the other half of a turn behind where only the hit fits', () => {
    const before = conversation('start', 'ok', ...chatter(6), 'the otter', 'x'.repeat(4000), ...chatter(6));
    const contents = contentsOf({ before, question: 'otter', tokens: 20 });
    expect(contents).toContain('the otter');
    expect(contents).not.toContain('x'.repeat(4000));
  });

  it('pays once for an opening whose reply is a hit', () => {
    const other = ['otter or some such', 'x'.repeat(400)];
    const before = conversation('plan trip', 'otter river', ...chatter(20), ...other, ...chatter(20));
    const contents = contentsOf({ before, question: 'otter river', tokens: 12 });
    expect(contents).toEqual(['plan trip', 'otter river', 'otter or some such']);
  });

  it('pays once for an opening that is a hit, and brings its reply along', () => {
    const other = ['otter or some such', 'x'.repeat(400)];
    const before = conversation('otter river', 'Gladly.', ...chatter(20), ...other, ...chatter(20));
    const contents = contentsOf({ before, question: 'otter river', tokens: 12 });
    expect(contents).toEqual(['otter river', 'Gladly.', 'otter or some such']);
  });

  it('pays once for an opening that is a hit and whose reply does not fit', () => {
    const long = 'x'.repeat(400);
    const before = conversation(
      'otter river',
      long,
      ...chatter(20),
      'otter or some such thing too',
      long,
      ...chatter(20),
    );
    const contents = contentsOf({ before, question: 'otter river', tokens: 12 });
    expect(contents).toEqual(['otter river', 'otter or some such thing too']);
  });

  it('brings the question along with any of its replies', () => {
    const before = [
      said('Where do otters live?', 0),
      said('Give me a moment.', 1, 'assistant'),
      said('Still looking.', 2, 'assistant'),
      said('By rivers in Wales.', 3, 'assistant'),
      ...chatter(20).map((content, at) => said(content, at + 4)),
    ];
    const contents = contentsOf({ before, opening: undefined, question: 'rivers wales', tokens: 11 });
    expect(contents).toEqual(['Where do otters live?', 'By rivers in Wales.']);
  });

  it('shows nothing below three tenths of the best score', () => {
    const weak = `tea ${'and a lot of other words '.repeat(40)}`;
    const before = conversation('start', 'ok', ...chatter(8), weak, 'yes', ...chatter(8), 'tea kettle teapot', 'yes');
    const contents = contentsOf({ before, question: 'tea kettle teapot' });
    expect(contents).toContain('tea kettle teapot');
    expect(contents).not.toContain(weak);
  });

  it('prefers the newer of two that are alike', () => {
    const pair = ['the otter', 'yes'];
    const before = conversation('start', 'ok', ...chatter(40), ...pair, ...chatter(40), ...pair, ...chatter(4));
    const { messages } = recallNow({ before, opening: undefined, question: 'otter', tokens: 4 });
    expect(messages.map((message) => before.indexOf(message))).toEqual([84, 85]);
  });

  it('is bound by prompt tokens too, with what the block adds for each', () => {
    const before = conversation(...Array.from({ length: 400 }, (_, at) => (at === 201 ? 'otter' : 'ok')));
    const dense = before.map((message) => ({ ...message, promptTokens: 50, content: `${message.content} otter` }));
    const { messages } = recallNow({ before: dense, question: 'otter ok', tokens: 1000, promptTokens: 300 });
    expect(messages.length).toBeLessThanOrEqual(2);
    expect(recallNow({ before: dense, question: 'otter ok', promptTokens: 0 }).messages).toEqual([]);
  });

  it('stays within both budgets, sorted, and the same each time', () => {
    const word = fc.constantFrom('otter', 'tea', 'kettle', 'rain', '茶', 'と', '</said>', 'x'.repeat(300));
    const row = fc.record({
      words: fc.array(word, { minLength: 1, maxLength: 6 }),
      role: fc.constantFrom('user' as const, 'assistant' as const),
    });
    const limits = fc.record({ tokens: fc.nat(300), promptTokens: fc.nat(900), question: word });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), limits, (talked, request) => {
        const before: RecallableMessage[] = talked.map(({ words, role }, at) => said(words.join(' '), at, role));
        const { messages } = recallNow({ before, ...request });
        const sum = (of: (message: RecallableMessage) => number) =>
          messages.reduce((all, message) => all + of(message), 0);
        expect(sum(({ tokenCount }) => tokenCount)).toBeLessThanOrEqual(request.tokens);
        const promptTokens = messages.length === 0 ? 0 : BLOCK_PROMPT_TOKENS + sum(promptTokensInBlock);
        expect(promptTokens).toBeLessThanOrEqual(request.promptTokens);
        const times = messages.map(({ createdAt }) => createdAt.getTime());
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        expect(recallNow({ before, ...request }).messages).toEqual(messages);
      }),
    );
  });
});
