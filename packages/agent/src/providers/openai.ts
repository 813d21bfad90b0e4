/** OpenAI's Responses. Source: OpenAI's reference of Responses streaming events (read 2026-11). */
import { createOpenAI } from '@ai-sdk/openai';

import { isObject, type JsonObject, listOf, objectOf, textOf } from '../wire/json.ts';
import { failureOf } from '../wire/provider-error.ts';
import { usageIn } from '../wire/usage-in.ts';
import { captureRequest } from '../wire/request.ts';
import { finished, said, type WireEvent, type WireReader } from '../wire/wire-event.ts';
import type { Provider, ProviderSettings } from './provider.ts';

export function createOpenaiProvider({ modelId, apiKey, baseURL }: ProviderSettings): Provider {
  return {
    minOutputTokens: 16,
    model: createOpenAI({ apiKey: apiKey ?? '', baseURL, fetch: captureRequest })(modelId),
    createReader: () => new ResponsesReader(),
  };
}

class ResponsesReader implements WireReader {
  #hasSpoken = false;
  /** The parts of the output that came in pieces, or whole. */
  readonly #spoken = new Set<string>();

  read(event: JsonObject): WireEvent[] {
    const events = this.#readEvent(event);
    if (events.some(({ type }) => type === 'text')) {
      this.#hasSpoken = true;
      this.#spoken.add(partOf(event));
    }
    return events;
  }

  #readEvent(event: JsonObject): WireEvent[] {
    switch (event['type']) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return said('text', textOf(event['delta']));
      // For streams without pieces.
      case 'response.output_text.done':
      case 'response.refusal.done':
        return this.#spoken.has(partOf(event)) ? [] : said('text', textOf(event['text']) || textOf(event['refusal']));
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return said('reasoning', textOf(event['delta']));
      case 'response.completed':
      case 'response.done':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return this.#readResponse(objectOf(event['response']), textOf(event['type']).slice('response.'.length));
      default:
        return event['object'] === 'response' ? this.#readResponse(event, 'completed') : [];
    }
  }

  /** The whole response, at the end of a stream or in place of one. */
  #readResponse(response: JsonObject, ending: string): WireEvent[] {
    const { error, incomplete_details: details, output, usage } = response;
    const status = ending === 'completed' || ending === 'done' ? textOf(response['status']) || ending : ending;
    const events = [...(this.#hasSpoken ? [] : listOf(output).flatMap(readItem)), ...usageIn(usage)];
    if (isObject(error) || status === 'failed' || status === 'cancelled') {
      return [...events, { type: 'failure', failure: failureOf(objectOf(error)) }];
    }
    const reason = textOf(objectOf(details)['reason']);
    return [...events, ...finished(reason || status), { type: 'done' }];
  }
}

function partOf({ output_index: item, content_index: part }: JsonObject): string {
  return `${String(item)}.${String(part)}`;
}

/** An item of the output, for streams that bring it at the end alone. */
function readItem(item: unknown): WireEvent[] {
  const { type, content, summary } = objectOf(item);
  if (type === 'reasoning') return listOf(summary).flatMap((part) => said('reasoning', textOf(objectOf(part)['text'])));
  return listOf(content).flatMap((part) => {
    const { text, refusal } = objectOf(part);
    return said('text', textOf(text) || textOf(refusal));
  });
}
