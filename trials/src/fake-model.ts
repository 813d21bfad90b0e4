/**
 * A model behind HTTP that answers chat completions at once, unless it is told otherwise: `[fail]` in what was asked fails,
 * `[think 2000]` waits so many milliseconds. Source: OpenAI's reference of chat completion chunks (read 2026-11).
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface FakeModel extends AsyncDisposable {
  /** What a server needs to be told to use it. */
  readonly environment: Readonly<Record<string, string>>;
}

export async function openFakeModel(): Promise<FakeModel> {
  const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The model has no port');
  return {
    environment: { MODEL: 'openai-compatible/fake', OPENAI_BASE_URL: `http://127.0.0.1:${address.port}/v1` },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: { messages: ReadonlyArray<{ content: string }> } = JSON.parse(await text(request));
  const asked = body.messages.at(-1)?.content ?? '';
  if (asked.includes('[fail]')) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'told to fail', type: 'server_error', param: null, code: null } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const thinkMs = Number(/\[think (\d+)\]/.exec(asked)?.[1] ?? 0);
  response.write(chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: 'Certainly.' } }] }));
  if (thinkMs > 0) await delay(thinkMs);
  response.write(chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  response.write(chunk({ choices: [], usage: { prompt_tokens: 40, completion_tokens: 2, total_tokens: 42 } }));
  response.end('data: [DONE]\n\n');
}

const chunk = (fields: Record<string, unknown>) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'fake', ...fields })}\n\n`;
