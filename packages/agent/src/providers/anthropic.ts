/** Anthropic's Messages. Source: Anthropic's "Streaming Messages" and "Prompt caching" (read 2026-11). */
import { createAnthropic } from '@ai-sdk/anthropic';

import { isObject, type JsonObject, listOf, objectOf } from '../wire/json.ts';
import { captureRequest } from '../wire/request.ts';
import { finished, said, type WireEvent, type WireReader } from '../wire/wire-event.ts';
import type { Provider, ProviderSettings } from './provider.ts';

export function createAnthropicProvider({ modelId, apiKey, baseURL }: ProviderSettings): Provider {
  return {
    minOutputTokens: 1,
    model: createAnthropic({ apiKey: apiKey ?? '', baseURL, fetch: captureRequest })(modelId),
    createReader: () => new MessagesReader(),
  };
}

class MessagesReader implements WireReader {
  /** `message_start` brings the input, `message_delta` the output, each with zeros for the other now and then. */
  #usage: Record<string, number> = {};

  read(event: JsonObject): WireEvent[] {
    switch (event['type']) {
      case 'message_start':
        return this.#readStart(objectOf(event['message']));
      case 'content_block_start':
        return readBlock(event['content_block']);
      case 'content_block_delta':
        return readBlock(event['delta']);
      case 'message_delta':
        return [...this.#readUsage(event['usage']), ...finished(objectOf(event['delta'])['stop_reason'])];
      case 'message_stop':
        return [{ type: 'done' }];
      case 'message':
        return this.#readMessage(event);
      default:
        return [];
    }
  }

  /** Its stop reason is none yet, whatever it says. */
  #readStart({ content, usage }: JsonObject): WireEvent[] {
    return [...listOf(content).flatMap(readBlock), ...this.#readUsage(usage)];
  }

  /** A message in one piece, in place of a stream. */
  #readMessage({ content, usage, stop_reason: reason }: JsonObject): WireEvent[] {
    return [...listOf(content).flatMap(readBlock), ...this.#readUsage(usage), ...finished(reason)];
  }

  /** What was read from a cache, or written to one, is not in `input_tokens`. */
  #readUsage(usage: unknown): WireEvent[] {
    if (!isObject(usage)) return [];
    for (const [name, value] of Object.entries(usage)) {
      const count = Number(value);
      if (value !== null && Number.isFinite(count)) this.#usage[name] = Math.max(this.#usage[name] ?? count, count);
    }
    const {
      input_tokens: input,
      cache_read_input_tokens: read = 0,
      cache_creation_input_tokens: created = 0,
    } = this.#usage;
    const raw = {
      input: input === undefined ? undefined : input + read + created,
      output: this.#usage['output_tokens'],
    };
    return [{ type: 'usage', usage: raw }];
  }
}

/** A block of the content, or a piece of one. */
function readBlock(block: unknown): WireEvent[] {
  const { text, thinking } = objectOf(block);
  return [...said('reasoning', thinking), ...said('text', text)];
}
