/** Calls to a server that may die at any moment. */
import type { ServerProcess } from './server-process.ts';

export interface CallInit {
  readonly method?: string;
  readonly key?: string | undefined;
  /** JSON, as it is sent. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The header of that name. */
  readonly retryAfter: string | undefined;
}

export const CUT = 'cut';

/** The answer, or `cut` when the connection broke before it was whole. */
export async function call(server: ServerProcess, path: string, init: CallInit = {}): Promise<Answer | typeof CUT> {
  try {
    const response = await send(server, path, init);
    const retryAfter = response.headers.get('retry-after') ?? undefined;
    return { status: response.status, text: await response.text(), retryAfter };
  } catch {
    return CUT;
  }
}

/** @throws {TypeError} when the connection breaks */
export async function send(server: ServerProcess, path: string, init: CallInit): Promise<Response> {
  const { method, key, body, headers, signal } = init;
  const response = await fetch(server.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
  });
  server.observe?.(response);
  return response;
}

export interface ReceivedEvent {
  readonly event: string;
  /** As it was sent. */
  readonly data: string;
}

/** The events of a stream as they come. @throws {TypeError} when the connection breaks */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  const decoder = new TextDecoder();
  let buffered = '';
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    const blocks = buffered.split('\n\n');
    buffered = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: ([^\n]*)/m.exec(block)?.[1];
      const data = /^data: ([^\n]*)/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data };
    }
  }
}
