import { describe, expect, test } from 'vitest';

import { collect } from '../test/collect.ts';
import type { ReplyEvent } from './agent.ts';
import { createScriptedAgent } from './scripted.ts';

const prompt = { history: [], message: 'hi' };
const options = (signal = new AbortController().signal) => ({ maxOutputTokens: 100, signal });

describe('the scripted agent', () => {
  test('says its steps in turn and records what it was asked', async () => {
    const usage = { inputTokens: 7, outputTokens: 8 };
    const agent = createScriptedAgent([{ deltas: ['one ', 'two'], finish: 'length', usage }, { deltas: ['three'] }]);
    expect(await collect(agent.reply(prompt, options()))).toEqual([
      { type: 'text', text: 'one ' },
      { type: 'text', text: 'two' },
      { type: 'usage', usage },
      { type: 'end', finish: 'length' },
    ]);
    const second = await collect(agent.reply({ ...prompt, message: 'more' }, options()));
    expect(second.at(-1)).toEqual({ type: 'end', finish: 'stop' });
    expect(agent.calls.map((call) => call.prompt.message)).toEqual(['hi', 'more']);
    await expect(collect(agent.reply(prompt, options()))).rejects.toThrow('the script has no turn 3');
  });

  test('thinks, gives signs of life, and tells what it used before it fails', async () => {
    const usage = { inputTokens: 7 };
    const error = new Error('broken');
    const events: ReplyEvent[] = [];
    const agent = createScriptedAgent([{ deltas: [{ reasoning: 'hm' }, { alive: true }, 'one'], usage, error }]);
    const run = async () => {
      for await (const event of agent.reply(prompt, options())) events.push(event);
    };
    await expect(run()).rejects.toBe(error);
    expect(events).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'alive' },
      { type: 'text', text: 'one' },
      { type: 'usage', usage },
    ]);
  });

  test('can decide on the prompt', async () => {
    const agent = createScriptedAgent(({ message }, { maxOutputTokens }) => ({
      deltas: [`${message} ${maxOutputTokens}`],
    }));
    const [first] = await collect(agent.reply(prompt, options()));
    expect(first).toEqual({ type: 'text', text: 'hi 100' });
  });

  test('waits at a gate, and fails where it is told to', async () => {
    const gate = Promise.withResolvers<void>();
    const error = new Error('broken');
    const events = createScriptedAgent([{ deltas: ['before', gate.promise, 'after'], error }]).reply(prompt, options());
    const reply = events[Symbol.asyncIterator]();
    expect((await reply.next()).value).toEqual({ type: 'text', text: 'before' });
    let isThrough = false;
    const next = reply.next().then((result) => {
      isThrough = true;
      return result;
    });
    await new Promise(setImmediate);
    expect(isThrough).toBe(false);
    gate.resolve();
    expect((await next).value).toEqual({ type: 'text', text: 'after' });
    await expect(reply.next()).rejects.toBe(error);
  });

  test.each([
    ['hangs', { deltas: ['said'], hang: true }],
    ['waits at a gate', { deltas: ['said', new Promise(() => {})] }],
    ['has more to say', { deltas: ['said', 'more'] }],
    ['would end', { deltas: ['said'] }],
  ])('stops when aborted while it %s', async (_, step) => {
    const abort = new AbortController();
    const events: ReplyEvent[] = [];
    const reason = new Error('cancelled');
    const run = async () => {
      for await (const event of createScriptedAgent([step]).reply(prompt, options(abort.signal))) {
        events.push(event);
        queueMicrotask(() => abort.abort(reason));
        await new Promise(setImmediate);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(events).toEqual([{ type: 'text', text: 'said' }]);
  });

  test('can be told to ignore the signal', async () => {
    const agent = createScriptedAgent([{ deltas: ['said'], ignoreSignal: true }]);
    const events = await collect(agent.reply(prompt, options(AbortSignal.abort())));
    expect(events).toHaveLength(2);
  });
});
