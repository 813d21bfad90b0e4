/** The three kinds of providers over the wire: what they are asked, how often, and when they are left alone. */
import { once } from 'node:events';

import { AppError } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Agent } from '../src/agent.ts';
import { type AgentSettings, openAgent } from '../src/open.ts';
import { countTokensAtOnce, MESSAGE_OVERHEAD_TOKENS } from '../src/tokens.ts';
import { collect, collectUntilError } from './collect.ts';
import { type Protocol, protocols, stream, type WireReply } from './protocols/index.ts';
import { type Answer, failWith, openProviderServer, type ProviderServer, sendEvents } from './provider-server.ts';

const usage = { input: 321, output: 12 };
const prompt = {
  history: [
    { role: 'user', content: 'How do I brew coffee?' },
    { role: 'assistant', content: '1. Heat water.\n2. Pour it.' },
  ],
  message: 'make it shorter',
} as const;

const persona = { agentName: 'Timmy', instructions: 'Be brief.' };

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

  const open = (settings: Partial<AgentSettings> = {}) =>
    openAgent({ model: protocol.model, ...persona, ...protocol.settings(server.url), ...settings });

  beforeEach(async () => {
    server = await openProviderServer();
    abort = new AbortController();
    agent = await open();
  });

  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    if (silence.some((spy) => spy.mock.calls.length > 0)) throw new Error('something was written to the console');
    vi.clearAllMocks();
  });

  const reply = (maxOutputTokens = 777) => agent.reply(prompt, { maxOutputTokens, signal: abort.signal });
  const good: Answer = (response) => {
    sendEvents(response, [stream(protocol, { text: 'Heat, pour.', usage })]);
    response.end();
  };
  const begun: Answer = (response) => sendEvents(response, [protocol.begin(usage) + protocol.text('Heat')]);
  const failing = (status: number, code = 'no') => failWith(status, protocol.errorBody(code, 'provider says no'));

  test('is asked with the instructions, the history in order, the message and the limit', async () => {
    server.answer(good);
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

  test('counts its instructions as overhead, and is named as it was set', () => {
    expect(agent.model).toBe(protocol.model);
    expect(agent.overheadTokens).toBe(countTokensAtOnce('You are Timmy.\n\nBe brief.') + MESSAGE_OVERHEAD_TOKENS);
  });

  test('is asked for at least what it takes', async () => {
    server.answer(good);
    await collect(reply(1));
    const asked = (await server.received()).body[protocol.maxTokensField];
    expect(asked).toBe(protocol.kind === 'openai' ? 16 : 1);
  });

  test.each(['?api-version=1', '/?api-version=1#here', `${protocol.path.slice('/v1'.length)}?api-version=1`])(
    'is asked where its base URL ends in %s',
    async (ending) => {
      const { anthropicBaseUrl, openaiBaseUrl } = protocol.settings(server.url);
      agent = await open({
        ...(anthropicBaseUrl === undefined ? {} : { anthropicBaseUrl: anthropicBaseUrl + ending }),
        ...(openaiBaseUrl === undefined ? {} : { openaiBaseUrl: openaiBaseUrl + ending }),
      });
      server.answer(good);
      await collect(reply());
      expect((await server.received()).path).toBe(`${protocol.path}?api-version=1`);
    },
  );

  test.each([
    [400, 1],
    [401, 1],
    [404, 1],
    [429, 2],
    [500, 2],
    [503, 2],
  ])('answers HTTP %i to be asked %i time(s)', async (status, requests) => {
    server.answer(failing(status));
    await collectUntilError(reply());
    expect(server.requests).toHaveLength(requests);
  });

  test('is asked once where it is to be left alone for long, or where its bill is not paid', async () => {
    server.answer(failWith(429, protocol.errorBody('rate_limit_exceeded', 'no'), { 'retry-after': '30' }));
    await collectUntilError(reply());
    server.answer(failing(429, 'insufficient_quota'));
    await collectUntilError(reply());
    expect(server.requests).toHaveLength(2);
  });

  test('answers when it is asked again', async () => {
    server.answer((response) => {
      failing(503)(response);
      server.answer(good);
    });
    expect((await collect(reply())).at(-1)).toMatchObject({ type: 'end' });
    expect(server.requests).toHaveLength(2);
  });

  test('is asked over the same connection again', async () => {
    server.answer((response) => {
      sendEvents(response, [stream(protocol, { text: 'Heat, pour.', usage })]);
      setTimeout(() => response.end(), 50);
    });
    for (let turn = 0; turn < 10; turn += 1) {
      await collect(reply());
      await server.requests.at(-1)?.closed;
    }
    expect(server.connections).toBeLessThan(5);
  });

  test('is out of order from a refusal that the operator must act on, until it answers', async () => {
    expect(agent.health()).toEqual({ status: 'ok' });
    server.answer(failing(401, 'invalid_api_key'));
    await collectUntilError(reply());
    const outOfOrder = { status: 'out-of-order', code: 'HTTP 401 invalid_api_key' };
    expect(agent.health()).toEqual(outOfOrder);
    server.answer(failing(400, 'invalid_request_error'));
    await collectUntilError(reply());
    expect(agent.health()).toEqual(outOfOrder);
    server.answer(good);
    await collect(reply());
    expect(agent.health()).toEqual({ status: 'ok' });
  });

  const thinking: [string, WireReply][] = [
    ['thoughts', { text: 'x', thought: 'hm' }],
    ['thoughts in tags', { text: '<think>hm</think>x' }],
  ];
  if (protocol.kind !== 'anthropic') {
    thinking.push(['their tokens', { text: 'x', usage: { input: 9, output: 9, reasoning: 8 } }]);
  }
  test.each(thinking)('is known to reason once it was seen to, by %s', async (_, said) => {
    server.answer(good);
    await collect(reply());
    expect(agent.reasons()).toBe(false);
    server.answer((response) => sendEvents(response, [stream(protocol, said)]));
    await collect(reply());
    expect(agent.reasons()).toBe(true);
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
    server.answer(begun);
    const reason = new Error('cancelled');
    const said: string[] = [];
    const run = async () => {
      for await (const event of reply()) {
        if (event.type !== 'text') continue;
        said.push(event.text);
        setImmediate(() => abort.abort(reason));
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(said).toEqual(['Heat']);
    await (
      await server.received()
    ).closed;
  });

  test('is aborted while it waits to ask again', async () => {
    server.answer(failWith(503, protocol.errorBody('no', 'no'), { 'retry-after': '2' }));
    const ended = collectUntilError(reply());
    await (
      await server.received()
    ).closed;
    const reason = new Error('cancelled');
    abort.abort(reason);
    expect((await ended).error).toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test('is hung up on when the caller wants no more', async () => {
    server.answer(begun);
    for await (const event of reply()) {
      if (event.type === 'text') break;
    }
    await expect((await server.received()).closed).resolves.toBeDefined();
  });

  test('is hung up on after its reply, if it does not end the connection itself', async () => {
    server.answer((response) => sendEvents(response, [stream(protocol, { text: 'Heat, pour.', usage })]));
    await collect(reply());
    await expect((await server.received()).closed).resolves.toBeDefined();
  });

  test('is asked nothing once the signal is aborted', async () => {
    const reason = new Error('cancelled');
    abort.abort(reason);
    expect((await collectUntilError(reply())).error).toBe(reason);
    expect(server.requests).toHaveLength(0);
  });
});

async function failureOf(openaiBaseUrl: string): Promise<{ code: unknown; cause: string }> {
  const agent = await openAgent({ model: 'openai-compatible/llama-test', ...persona, openaiBaseUrl });
  const events = agent.reply(prompt, { maxOutputTokens: 1, signal: new AbortController().signal });
  const { error } = await collectUntilError(events);
  if (!(error instanceof AppError) || !(error.cause instanceof Error)) throw error;
  return { code: error.code, cause: error.cause.message };
}

describe('a provider that cannot be reached is out of order', () => {
  test('where nobody listens', async () => {
    const server = await openProviderServer();
    await server[Symbol.asyncDispose]();
    expect(await failureOf(server.url)).toEqual({ code: 'agent-unavailable', cause: 'ECONNREFUSED' });
  });

  test('where its name is none', async () => {
    const { code, cause } = await failureOf('http://nowhere.invalid/v1');
    expect(code).toBe('agent-unavailable');
    expect(cause).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
  });

  test('where it does not speak TLS', async () => {
    await using server = await openProviderServer();
    expect((await failureOf(server.url.replace('http:', 'https:'))).code).toBe('agent-unavailable');
  });

  test('where it does not speak HTTP', async () => {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
    expect((await failureOf(`http://127.0.0.1:${address.port}`)).code).toBe('agent-unavailable');
    server.close();
  });
});
