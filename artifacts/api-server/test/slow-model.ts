/**
 * A model behind a real HTTP server that speaks chat completions, under the test's control: each call waits until the test
 * says what becomes of it. For a server run with `MODEL=openai-compatible/test`.
 * Source: OpenAI's reference of chat completion chunks (read 2026-11).
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import type { Environment } from './server-process.ts';

export interface ModelCall {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: string }>;
  /** The last message: what was asked. */
  readonly asked: string;
  readonly authorization: string | undefined;
  /** Streams a piece of the reply; resolves once it is on its way. */
  say(words: string): Promise<void>;
  /** Ends the reply, with usage unless told to leave it out. */
  finish(usage?: 'no usage'): void;
  /** Breaks the connection in the middle. */
  die(): void;
  /** Answers with an error; the caller may try once more at once. */
  fail(status: number, message: string): void;
  /** Resolves when the caller has hung up, or the reply is over. */
  readonly closed: Promise<unknown>;
}

export interface SlowModel extends AsyncDisposable {
  /** What a server needs to be told to use it. */
  readonly env: Environment;
  /** How many calls have come so far. */
  readonly callCount: number;
  /** The next call that no one has asked for yet, once it comes. */
  called(): Promise<ModelCall>;
  /** From now on calls are answered by this, and `called` gets none. */
  answer(how: (call: ModelCall) => void): void;
}

/** What it says it used, for every reply. */
export const USAGE = { input: 40, output: 10 };

export async function openSlowModel(): Promise<SlowModel> {
  const waiting: ModelCall[] = [];
  const askers: Array<(call: ModelCall) => void> = [];
  let answer: ((call: ModelCall) => void) | undefined;
  let callCount = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await receive(request, response);
    callCount += 1;
    const taker = answer ?? askers.shift();
    if (taker) taker(call);
    else waiting.push(call);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the model has no port');

  return {
    env: { MODEL: 'openai-compatible/test', OPENAI_BASE_URL: `http://127.0.0.1:${address.port}/v1` },
    get callCount() {
      return callCount;
    },
    called: () => {
      const call = waiting.shift();
      return call ? Promise.resolve(call) : new Promise((resolve) => askers.push(resolve));
    },
    answer: (how) => {
      answer = how;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** For `answer`: says this to everything, at once. */
export const saying = (reply: string) => (call: ModelCall) => {
  void call.say(reply).then(() => call.finish());
};

async function receive(request: IncomingMessage, response: ServerResponse): Promise<ModelCall> {
  const closed = once(response, 'close');
  const body: Pick<ModelCall, 'messages'> = JSON.parse(await text(request));
  const send = (data: unknown) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    return new Promise<void>((resolve) => {
      response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`, () => resolve());
    });
  };
  return {
    messages: body.messages,
    asked: body.messages.at(-1)?.content ?? '',
    authorization: request.headers.authorization,
    closed,
    say: (content) =>
      send(chunk({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] })),
    finish: (usage) => {
      const { input, output } = USAGE;
      const counts = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
      void send(chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
      if (usage === undefined) void send(chunk({ choices: [], usage: counts }));
      void send('[DONE]');
      response.end();
    },
    die: () => void response.destroy(),
    fail: (status, message) => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '0' });
      response.end(JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } }));
    },
  };
}

const chunk = (fields: Record<string, unknown>) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'test',
  ...fields,
});
