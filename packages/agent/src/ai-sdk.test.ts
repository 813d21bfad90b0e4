import { AppError } from '@timmy-tower/contract';
import { describe, expect, test, vi } from 'vitest';

import { collect, collectUntilError } from '../test/collect.ts';
import { type AiSdkAgentOptions, createAiSdkAgent } from './ai-sdk.ts';
import { countTokens, estimateUsage, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';

type Model = Extract<AiSdkAgentOptions['model'], { specificationVersion: 'v4' }>;
type Part = Awaited<ReturnType<Model['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;
type FinishReason = Extract<Part, { type: 'finish' }>['finishReason']['unified'];

const prompt = { history: [], message: 'hi' };
const instructions = 'You are Timmy.';
const text: Part[] = [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Hello.' },
  { type: 'text-end', id: '1' },
];

function finish(unified: FinishReason, input?: number, output?: number): Part {
  return {
    type: 'finish',
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: output, text: output, reasoning: undefined },
    },
  };
}

function modelOf(doStream: Model['doStream']): Model {
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'test',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('only streams')),
    doStream,
  };
}

function saying(parts: readonly Part[]): Model {
  return modelOf(() => Promise.resolve({ stream: ReadableStream.from(parts) }));
}

function brokenStream(): ReadableStream<Part> {
  return new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) });
}

function replyOf(model: Model, signal = new AbortController().signal) {
  return createAiSdkAgent({ model, name: 'test/model', instructions }).reply(prompt, { maxOutputTokens: 50, signal });
}

describe('an agent with a language model', () => {
  test('counts its instructions as overhead', () => {
    const agent = createAiSdkAgent({ model: saying([]), name: 'test/model', instructions });
    expect(agent.model).toBe('test/model');
    expect(agent.overheadTokens).toBe(countTokens(instructions) + MESSAGE_OVERHEAD_TOKENS);
  });

  test.each([
    ['as reported', [30, 4], { inputTokens: 30, outputTokens: 4 }],
    ['counted where nothing is reported', [undefined, undefined], {}],
    ['counted where zero is reported', [0, 0], {}],
    ['counted where nonsense is reported', [Number.NaN, -1], {}],
    ['counted where a fraction is reported', [1.5, Infinity], {}],
    ['counted for the input alone', [0, 4], { outputTokens: 4 }],
    ['counted for the output alone', [30, undefined], { inputTokens: 30 }],
  ])('has its usage %s', async (_, [input, output], expected) => {
    const events = await collect(replyOf(saying([...text, finish('stop', input, output)])));
    const overheadTokens = countTokens(instructions) + MESSAGE_OVERHEAD_TOKENS;
    const counted = estimateUsage({ prompt, overheadTokens, reply: 'Hello.' });
    expect(events.at(-1)).toEqual({ type: 'end', finish: 'stop', usage: { ...counted, ...expected } });
  });

  test.each(['error', 'other', 'tool-calls', 'interrupted'] as const)(
    'fails when it finishes with %s',
    async (reason) => {
      const { text: said, error } = await collectUntilError(replyOf(saying([...text, finish(reason, 1, 1)])));
      expect(said).toBe('Hello.');
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'agent-failed' });
    },
  );

  test.each([
    ['says nothing at all', []],
    ['breaks off', text],
    ['sends an error part', [...text, { type: 'error', error: new Error('broken') }, finish('stop', 1, 1)]],
    ['sends an error that is no Error', [{ type: 'error', error: 'broken' }]],
    ['sends text that was never begun', [{ type: 'text-delta', id: '9', delta: 'x' }, finish('stop', 1, 1)]],
  ] satisfies [string, Part[]][])('fails when the model %s', async (_, parts) => {
    const { error } = await collectUntilError(replyOf(saying(parts)));
    expect(error).toMatchObject({
      code: 'agent-failed',
      message: 'The model failed to answer. Try again in a moment.',
    });
  });

  test('fails when the model cannot be called or its stream breaks', async () => {
    for (const model of [
      modelOf(() => Promise.reject(new Error('down'))),
      modelOf(() => Promise.resolve({ stream: brokenStream() })),
    ]) {
      const { error } = await collectUntilError(replyOf(model));
      expect(error).toMatchObject({ code: 'agent-failed' });
    }
  });

  test('writes no warning anywhere', async () => {
    const spies = [vi.spyOn(process, 'emitWarning'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
    const warnings = [{ type: 'unsupported', feature: 'maxOutputTokens' } as const];
    await collect(replyOf(saying([{ type: 'stream-start', warnings }, ...text, finish('stop', 1, 1)])));
    await collectUntilError(replyOf(saying([{ type: 'error', error: new Error('broken') }])));
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  test.each([
    ['its call', modelOf(() => new Promise(() => {}))],
    [
      'its stream',
      modelOf(() => Promise.resolve({ stream: new ReadableStream<Part>({ pull: () => new Promise(() => {}) }) })),
    ],
  ])('is aborted at once though the model ignores the signal: %s', async (_, model) => {
    const abort = new AbortController();
    const ended = collectUntilError(replyOf(model, abort.signal));
    const reason = new Error('cancelled');
    setImmediate(() => abort.abort(reason));
    expect((await ended).error).toBe(reason);
  });

  test('does not call the model once the signal is aborted', async () => {
    const doStream = vi.fn(() => Promise.resolve({ stream: ReadableStream.from(text) }));
    const reason = new Error('cancelled');
    expect((await collectUntilError(replyOf(modelOf(doStream), AbortSignal.abort(reason)))).error).toBe(reason);
    expect(doStream).not.toHaveBeenCalled();
  });

  test('throws the reason of the abort, not the failure that it causes', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const model = modelOf(() => {
      abort.abort(reason);
      return Promise.reject(new Error('down'));
    });
    expect((await collectUntilError(replyOf(model, abort.signal))).error).toBe(reason);
  });
});
