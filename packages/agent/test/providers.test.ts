/** The three providers over the wire: their SDKs against a server that speaks their protocol. */
import { inspect } from 'node:util';

import { AppError } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Agent, ReplyEvent } from '../src/agent.ts';
import { openAgent } from '../src/open.ts';
import { estimateUsage } from '../src/tokens.ts';
import { collect, collectUntilError } from './collect.ts';
import { type Protocol, protocols, SECRET } from './protocols.ts';
import { failWith, openProviderServer, type ProviderServer, sendEvents, streamOf } from './provider-server.ts';

const usage = { input: 321, output: 12 };
const reported = { inputTokens: 321, outputTokens: 12 };
const PRIVATE = 'where the treasure is buried';

const prompt = {
  history: [
    { role: 'user', content: 'How do I brew coffee?' },
    { role: 'assistant', content: '1. Heat water.\n2. Pour it.' },
  ],
  message: `make it shorter, and keep quiet about ${PRIVATE}`,
} as const;

interface Failure {
  readonly said: string;
  readonly message: string;
  readonly cause: string;
}

/** How a reply failed, after making sure that nothing of the failure tells a secret. */
async function failureOf(events: AsyncIterable<ReplyEvent>): Promise<Failure> {
  const { text, error } = await collectUntilError(events);
  if (!(error instanceof AppError) || !(error.cause instanceof Error)) throw error;
  const { code, fields, message, cause } = error;
  expect({ code, fields }).toEqual({ code: 'agent-failed', fields: {} });
  const everything = inspect(error, { depth: Infinity, showHidden: true });
  for (const secret of [SECRET, PRIVATE, 'brew coffee']) expect(everything).not.toContain(secret);
  expect(message).not.toContain('provider says');
  return { said: text, message, cause: cause.message };
}

describe.each(protocols)('$model', (protocol: Protocol) => {
  let server: ProviderServer;
  let agent: Agent;
  let abort: AbortController;
  const silence = [
    vi.spyOn(console, 'error'),
    vi.spyOn(console, 'warn'),
    vi.spyOn(console, 'log'),
    vi.spyOn(process, 'emitWarning'),
  ];

  beforeEach(async () => {
    server = await openProviderServer();
    abort = new AbortController();
    agent = await openAgent({
      model: protocol.model,
      agentName: 'Timmy',
      instructions: 'Be brief.',
      ...protocol.settings(server.url),
    });
  });

  afterEach(async () => {
    await server.close();
    if (silence.some((spy) => spy.mock.calls.length > 0)) throw new Error('something was written to the console');
    vi.clearAllMocks();
  });

  const reply = () => agent.reply(prompt, { maxOutputTokens: 777, signal: abort.signal });

  test('streams a reply and reports the usage of the provider', async () => {
    server.answer(
      streamOf([
        ...protocol.begin(usage),
        protocol.delta('Heat, '),
        protocol.delta('pour.'),
        ...protocol.end({ finish: 'stop', usage }),
      ]),
    );
    expect(agent.model).toBe(protocol.model);
    expect(await collect(reply())).toEqual([
      { type: 'text', text: 'Heat, ' },
      { type: 'text', text: 'pour.' },
      { type: 'end', finish: 'stop', usage: reported },
    ]);
    expect(server.requests).toHaveLength(1);
  });

  test('is asked with the instructions, the history in order, the message and the limit', async () => {
    server.answer(streamOf([...protocol.begin(usage), ...protocol.end({ finish: 'stop', usage })]));
    await collect(reply());
    const { path, headers, body } = await server.received();
    const [header, value] = protocol.authorization;
    expect(path).toBe(protocol.path);
    expect(headers[header]).toBe(value);
    expect(body[protocol.maxTokensField]).toBe(777);
    expect(body).toMatchObject({ ...protocol.alsoSends, stream: true });
    const asked = JSON.stringify(protocol.messagesOf(body));
    const said = ['You are Timmy.\\n\\nBe brief.', 'How do I brew coffee?', '1. Heat water.', 'make it shorter'];
    const places = said.map((text) => asked.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(asked.match(/"role":"\w+"/g)?.filter((role) => !/system|developer/.test(role))).toEqual([
      '"role":"user"',
      '"role":"assistant"',
      '"role":"user"',
    ]);
  });

  test('counts for itself when the provider sends no usage', async () => {
    server.answer(streamOf([...protocol.begin(), protocol.delta('Heat, pour.'), ...protocol.end({ finish: 'stop' })]));
    const events = await collect(reply());
    expect(events.at(-1)).toEqual({
      type: 'end',
      finish: 'stop',
      usage: estimateUsage({ prompt, overheadTokens: agent.overheadTokens, reply: 'Heat, pour.' }),
    });
  });

  test('says when it was cut off at the limit', async () => {
    server.answer(
      streamOf([...protocol.begin(usage), protocol.delta('Heat'), ...protocol.end({ finish: 'length', usage })]),
    );
    const events = await collect(reply());
    expect(events.at(-1)).toEqual({ type: 'end', finish: 'length', usage: reported });
  });

  test('fails when the provider refuses and says nothing', async () => {
    server.answer(streamOf([...protocol.begin(usage), ...protocol.end({ finish: 'refusal', usage })]));
    expect((await failureOf(reply())).message).toContain('declined');
  });

  test('keeps what was said before the provider refused', async () => {
    server.answer(
      streamOf([...protocol.begin(usage), protocol.delta('No.'), ...protocol.end({ finish: 'refusal', usage })]),
    );
    expect(await collect(reply())).toEqual([
      { type: 'text', text: 'No.' },
      { type: 'end', finish: 'stop', usage: reported },
    ]);
  });

  test.each([
    [400, 1],
    [401, 1],
    [403, 1],
    [429, 2],
    [500, 2],
    [529, 2],
  ])('fails on HTTP %i, after %i request(s)', async (status, requests) => {
    server.answer(failWith(status, protocol.errorBody(`provider says ${status === 401 ? SECRET : 'no'}`)));
    const { cause } = await failureOf(reply());
    expect(cause).toContain(`HTTP ${status}`);
    expect(server.requests).toHaveLength(requests);
  });

  test('fails when the answer is no event stream', async () => {
    server.answer((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>provider says hi</h1>'),
    );
    expect((await failureOf(reply())).said).toBe('');
  });

  test('fails on malformed JSON in the stream, without repeating it', async () => {
    const broken = `data: {"text": "${PRIVATE}"\n\n`;
    server.answer(
      streamOf([...protocol.begin(usage), protocol.delta('Heat'), broken, ...protocol.end({ finish: 'stop', usage })]),
    );
    expect(await failureOf(reply())).toMatchObject({ said: 'Heat', cause: expect.stringContaining('JSONParseError') });
  });

  test('fails on malformed JSON before anything was said', async () => {
    server.answer(streamOf([`data: {"text": "${PRIVATE}"\n\n`]));
    expect((await failureOf(reply())).said).toBe('');
  });

  test('fails on an error event before and after text', async () => {
    server.answer(streamOf([...protocol.begin(usage), protocol.errorEvent('provider says no')]));
    expect(await failureOf(reply())).toMatchObject({ said: '', cause: expect.stringContaining('provider says no') });
    server.answer(
      streamOf([...protocol.begin(usage), protocol.delta('Heat'), protocol.errorEvent('provider says no')]),
    );
    expect(await failureOf(reply())).toMatchObject({
      said: 'Heat',
      cause: expect.stringContaining('provider says no'),
    });
  });

  test.each([
    ['after some text', ['Heat']],
    ['before any', []],
  ])('fails when the stream ends unfinished %s', async (_, said) => {
    server.answer(streamOf([...protocol.begin(usage), ...said.map(protocol.delta)]));
    expect((await failureOf(reply())).said).toBe(said.join(''));
  });

  test('fails when the stream is empty', async () => {
    server.answer(streamOf([]));
    expect((await failureOf(reply())).said).toBe('');
  });

  test('fails when the connection breaks in the middle of the stream', async () => {
    server.answer((response) => {
      sendEvents(response, [...protocol.begin(usage), protocol.delta('Heat')], () => response.destroy());
    });
    expect(await failureOf(reply())).toMatchObject({
      said: 'Heat',
      cause: expect.stringContaining('connection broke'),
    });
  });

  test('is aborted while the provider hangs before its first byte', async () => {
    server.answer(() => {});
    const ended = collectUntilError(reply());
    const request = await server.received();
    const reason = new Error('cancelled');
    abort.abort(reason);
    expect((await ended).error).toBe(reason);
    await request.closed;
    expect(server.requests).toHaveLength(1);
  });

  test('is aborted while the provider hangs in the middle of the stream', async () => {
    server.answer((response) => sendEvents(response, [...protocol.begin(usage), protocol.delta('Heat')]));
    const reason = new Error('cancelled');
    const said: string[] = [];
    const run = async () => {
      for await (const event of reply()) {
        if (event.type === 'text') said.push(event.text);
        setImmediate(() => abort.abort(reason));
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(said).toEqual(['Heat']);
    await (
      await server.received()
    ).closed;
  });

  test('hangs up on the provider when the caller wants no more', async () => {
    server.answer((response) => sendEvents(response, [...protocol.begin(usage), protocol.delta('Heat')]));
    for await (const event of reply()) {
      expect(event).toEqual({ type: 'text', text: 'Heat' });
      break;
    }
    await (
      await server.received()
    ).closed;
  });

  test('asks nothing of the provider once the signal is aborted', async () => {
    const reason = new Error('cancelled');
    abort.abort(reason);
    expect((await collectUntilError(reply())).error).toBe(reason);
    expect(server.requests).toHaveLength(0);
  });
});

test('a provider that cannot be reached fails the reply', async () => {
  const server = await openProviderServer();
  await server.close();
  const agent = await openAgent({
    model: 'openai-compatible/llama-test',
    agentName: 'Timmy',
    instructions: '',
    openaiBaseUrl: server.url,
  });
  const events = agent.reply(prompt, { maxOutputTokens: 1, signal: new AbortController().signal });
  expect((await failureOf(events)).cause).toContain('ECONNREFUSED');
});
