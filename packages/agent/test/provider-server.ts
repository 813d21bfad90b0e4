/** A local HTTP server in a model provider's place. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  /** Settles when the caller hung up or the answer is complete. */
  readonly closed: Promise<unknown>;
}

export type Answer = (response: ServerResponse) => void;

export interface ProviderServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** How many connections were opened. */
  readonly connections: number;
  /** How requests are answered from now on. */
  answer(answer: Answer): void;
  /** The next request, or the first one if it is there already. */
  received(): Promise<ReceivedRequest>;
}

const noAnswer: Answer = (response) => response.writeHead(500).end();

export async function openProviderServer(): Promise<ProviderServer> {
  const requests: ReceivedRequest[] = [];
  const first = Promise.withResolvers<ReceivedRequest>();
  let current = noAnswer;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = once(response, 'close');
    const body: Record<string, unknown> = JSON.parse(await text(request));
    const received = { path: request.url ?? '', headers: request.headers, body, closed };
    requests.push(received);
    first.resolve(received);
    current(response);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  let connections = 0;
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    get connections() {
      return connections;
    },
    answer: (answer) => {
      current = answer;
    },
    received: () => first.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Begins an event stream and sends what there is, leaving it open. */
export function sendEvents(response: ServerResponse, events: readonly string[], sent?: () => void): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(events.join(''), sent);
}

/** An error answer. Some are asked again: at once, unless the headers say otherwise. */
export function failWith(
  status: number,
  body: string,
  headers: Record<string, string> = { 'retry-after-ms': '0' },
): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}
