/** What stands between a browser and the server: passes everything on, unless a test tells it to do otherwise. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  readonly url: string;
  /** Answers in the server's place where it gives an answer; `reached` is whether the server gets the call all the same. */
  intercept: (call: Call) => Instead | undefined;
  /** Event streams are held back until they end. */
  holdsEventsBack: boolean;
  close(): Promise<void>;
}

export interface Call {
  readonly method: string;
  readonly path: string;
}

export interface Instead {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly reached?: boolean;
}

export async function openProxy(target: string): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '' } = incoming;
    const instead = proxy.intercept({ method, path });
    if (instead) answerInstead(outgoing, instead);
    if (!instead) passOn(target, incoming, { outgoing, holdsEventsBack: proxy.holdsEventsBack });
    else if (instead.reached) passOn(target, incoming);
    else incoming.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP port
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}`,
    intercept: () => undefined,
    holdsEventsBack: false,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return proxy;
}

function answerInstead(outgoing: ServerResponse, { status, type = 'text/html', body, headers }: Instead): void {
  outgoing.writeHead(status, { 'content-type': type, ...headers });
  outgoing.end(body ?? `<html><head><title>${status}</title></head><body><h1>${status}</h1>proxy</body></html>`);
}

interface PassOptions {
  readonly outgoing: ServerResponse;
  readonly holdsEventsBack: boolean;
}

/** Without an answer to give, the server's is dropped when it has come. */
function passOn(target: string, incoming: IncomingMessage, options?: PassOptions): void {
  const { method, headers, url = '' } = incoming;
  const upstream = request(new URL(url, target), { method, headers });
  incoming.pipe(upstream);
  upstream.on('error', () => options?.outgoing.destroy());
  options?.outgoing.on('close', () => upstream.destroy());
  upstream.on('response', (answer) => {
    answer.on('error', () => options?.outgoing.destroy());
    if (!options) return answer.resume();
    const { outgoing, holdsEventsBack } = options;
    const isStream = answer.headers['content-type']?.startsWith('text/event-stream') ?? false;
    if (isStream && holdsEventsBack) return giveAtTheEnd(answer, outgoing);
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    // A stream's first byte may be long in coming.
    outgoing.flushHeaders();
    return answer.pipe(outgoing);
  });
}

function giveAtTheEnd(answer: IncomingMessage, outgoing: ServerResponse): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('end', () => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.end(Buffer.concat(chunks));
  });
}
