import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { collect } from '../test/collect.ts';
import type { ReplyEvent } from './agent.ts';
import { createDemoAgent } from './demo.ts';
import type { PromptMessage } from './prompt.ts';
import { countTokensAtOnce } from './tokens.ts';

const agent = createDemoAgent({ delayMs: 0 });

function openConversation() {
  const history: PromptMessage[] = [];
  return async function say(message: string): Promise<string> {
    const events = await reply(message, { history });
    const text = textOf(events);
    history.push({ role: 'user', content: message }, { role: 'assistant', content: text });
    return text;
  };
}

function reply(message: string, { history = [] as PromptMessage[], maxOutputTokens = 1024 } = {}) {
  const signal = new AbortController().signal;
  return collect(agent.reply({ history, message }, { maxOutputTokens, signal }));
}

function textOf(events: readonly ReplyEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
}

const stepsOf = (text: string) => text.split('\n').filter((line) => /^\d\. /.test(line));

describe('the demo agent remembers', () => {
  test('the conversation that the project began with', async () => {
    const say = openConversation();
    const plan = await say('How do I brew coffee?');
    expect(plan).toContain('brew coffee');
    const steps = stepsOf(plan);
    expect(steps.length).toBeGreaterThanOrEqual(4);
    expect(steps.length).toBeLessThanOrEqual(6);

    const shorter = await say('make it shorter');
    expect(shorter.length).toBeLessThan(plan.length / 2);
    expect(shorter).toBe('Brew coffee: gather, measure, heat, brew, taste.');

    const explained = await say('explain step 2');
    expect(explained).toContain('Step 2');
    expect(explained).toContain(steps[1]?.replace('2. ', '').replace(/\.$/, ''));
    expect(explained).not.toContain(steps[3]?.replace('4. ', ''));

    expect(await say('what did I ask first?')).toContain('“How do I brew coffee?”');
  });

  test.each(['make it shorter', 'explain step 2', 'Shorter, please!', 'tl;dr', 'tell me more'])(
    'nothing before the first message: %s',
    async (message) => {
      expect(textOf(await reply(message))).toMatch(/^There (?:is nothing to shorten|are no steps to explain) yet\./);
    },
  );

  test('that nothing was asked before the first message', async () => {
    expect(textOf(await reply('what did I ask first?'))).toContain('the first thing I hear from you');
  });

  test('only what is still in view', async () => {
    const history: PromptMessage[] = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'Hello.' },
    ];
    expect(textOf(await reply('explain step 2', { history }))).toContain('no steps to explain yet');
    expect(textOf(await reply('what was my first question?', { history }))).toContain('“hi”');
  });
});

describe('a plan', () => {
  test.each([
    ['How do I brew coffee?', 'brew coffee'],
    ['how to fix a flat tyre', 'fix a flat tyre'],
    ['How can I learn French in 5 easy steps, please?', 'learn French'],
    ['I have an old laptop. How should I set up Linux on it?', 'set up Linux on it'],
    ['Teach me how to juggle', 'juggle'],
    ["What's the best way to paint my fence?", 'paint your fence'],
    ['How do I make my trousers shorter?', 'make your trousers shorter'],
    ['a recipe for pancakes', 'cook pancakes'],
  ])('is about what was asked: %s', async (question, topic) => {
    const plan = textOf(await reply(question));
    expect(plan.split('\n')[0]).toBe(`Here is how to ${topic}:`);
    expect(stepsOf(plan)).toHaveLength(5);
    expect(stepsOf(plan).filter((step) => step.includes(topic.split(' ').at(-1) ?? '')).length).toBeGreaterThan(0);
  });

  test('for the same question is the same', async () => {
    expect(await reply('How do I brew coffee?')).toEqual(await reply('How do I brew coffee?'));
  });
});

describe('making it shorter', () => {
  test.each([
    'shorter please',
    'Shorten that',
    'summarise',
    'summarize this',
    'TL;DR',
    'tldr',
    'can you make it shorter?',
  ])('is understood: %s', async (message) => {
    const say = openConversation();
    const plan = await say('How do I brew coffee?');
    const shorter = await say(message);
    expect(shorter.length).toBeLessThan(plan.length);
    expect(shorter).toContain('coffee');
  });

  test.each(['How do I brew coffee?', 'explain step 2', 'write a long story about coffee', 'count to 50'])(
    'goes on until there is nothing to leave out, and then says so: %s',
    async (message) => {
      const say = openConversation();
      await say('How do I brew coffee?');
      let previous = await say(message);
      let rounds = 0;
      for (let next = await say('shorter'); !next.startsWith('I cannot'); next = await say('even shorter')) {
        expect(next.length).toBeLessThan(previous.length);
        previous = next;
        rounds += 1;
      }
      expect(rounds).toBeGreaterThan(0);
      expect(rounds).toBeLessThan(60);
      expect(await say('shorter')).toContain('I cannot make that any shorter.');
    },
  );

  test('always gives something shorter, whatever the previous reply was', async () => {
    const bits = fc.constantFrom('a', 'Brew', ' ', ',', ':', '.', '“', '”', '…', '\n', '\n1. ', '\n2) ', ', b');
    const texts = fc.oneof(
      fc.array(bits).map((some) => some.join('')),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (content) => {
        const shorter = textOf(await reply('make it shorter', { history: [{ role: 'assistant', content }] }));
        expect(shorter.startsWith('I cannot') || shorter.length < content.length).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('does not take its own excuses for the previous reply', async () => {
    const say = openConversation();
    const nothing = await say('make it shorter');
    expect(await say('make it shorter')).toBe(nothing);
    await say('hi');
    while (!(await say('shorter')).startsWith('I cannot'));
    const excuse = await say('shorter');
    expect(excuse).toContain('It already says only this: “');
    expect(await say('shorter')).toBe(excuse);
  });
});

describe('explaining a step', () => {
  test.each([
    'explain step two',
    'tell me more about step 2',
    'What does step 2 mean?',
    'step #2?',
    'the second step?',
  ])('is understood: %s', async (message) => {
    const say = openConversation();
    await say('How do I brew coffee?');
    expect(await say(message)).toMatch(/^Step 2 of “Brew coffee” says “Measure: /);
  });

  test.each(['explain step 6', 'explain step 0', 'explain step 999999999'])(
    'that is not there says how many there are: %s',
    async (message) => {
      const say = openConversation();
      await say('How do I brew coffee?');
      expect(await say(message)).toContain('has 5 steps');
    },
  );

  test('takes the newest list, whoever wrote it', async () => {
    const say = openConversation();
    await say('How do I brew coffee?');
    await say('My plan:\n1) Buy beans\n2) Sell beans');
    expect(await say('explain step 2')).toContain('“Sell beans”');
  });
});

test('anything else is told what to try', async () => {
  expect(textOf(await reply('Hello there'))).toMatch(/demo.*How do I brew coffee\?.*explain step 2.*make it shorter/);
});

describe('a demo reply', () => {
  test('arrives word by word and counts like any model', async () => {
    const history: PromptMessage[] = [{ role: 'user', content: 'hi' }];
    const events = await reply('How do I brew coffee?', { history });
    expect(events.length).toBeGreaterThan(20);
    expect(events.at(-1)).toEqual({ type: 'end', finish: 'stop' });
  });

  test('of a long story has about 200 words', async () => {
    const words = textOf(await reply('write a long story about a fox')).split(/\s+/);
    expect(words.length).toBeGreaterThan(150);
    expect(words.length).toBeLessThan(300);
  });

  test('never exceeds maxOutputTokens, and says when it was cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (maxOutputTokens) => {
        const whole = textOf(await reply('write a long story'));
        const events = await reply('write a long story', { maxOutputTokens });
        const text = textOf(events);
        expect(whole.startsWith(text)).toBe(true);
        expect(text).not.toBe('');
        expect(countTokensAtOnce(text)).toBeLessThanOrEqual(maxOutputTokens);
        expect(events.at(-1)).toMatchObject({ finish: text === whole ? 'stop' : 'length' });
      }),
    );
  });

  test('takes any message', async () => {
    const words = fc.constantFrom(
      'how do I',
      'step',
      'explain',
      'shorter',
      'first',
      'story about',
      'count to',
      '9',
      'it',
    );
    const messages = fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))).map((parts) => parts.join(' '));
    await fc.assert(
      fc.asyncProperty(fc.array(messages, { maxLength: 4 }), messages, async (earlier, message) => {
        const history = earlier.map((content): PromptMessage => ({ role: 'user', content }));
        expect(textOf(await reply(message, { history }))).not.toBe('');
      }),
    );
  });

  test('is stopped by its signal while it pauses between words', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const slow = createDemoAgent({ delayMs: 3_600_000 });
    const prompt = { history: [], message: 'write a long story' };
    const first = collect(slow.reply(prompt, { maxOutputTokens: 100, signal: abort.signal }));
    abort.abort(reason);
    await expect(first).rejects.toBe(reason);
  });

  test('does not begin once its signal is aborted', async () => {
    const reason = new Error('cancelled');
    const options = { maxOutputTokens: 100, signal: AbortSignal.abort(reason) };
    await expect(collect(agent.reply({ history: [], message: 'hi' }, options))).rejects.toBe(reason);
  });

  test('stops between words when its signal is aborted', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const said: ReplyEvent[] = [];
    const run = async () => {
      const options = { maxOutputTokens: 100, signal: abort.signal };
      for await (const event of agent.reply({ history: [], message: 'hi' }, options)) {
        said.push(event);
        abort.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(said).toHaveLength(1);
  });
});
