/** OpenAI's Responses. Source: OpenAI's reference of Responses streaming events (read 2026-11). */
import { createOpenAI } from '@ai-sdk/openai';

import { isObject, type JsonObject, listOf, objectOf, textOf } from '../wire/json.ts';
import { failureOf } from '../wire/provider-error.ts';
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

  read(event: JsonObject): WireEvent[] {
    const events = this.#readEvent(event);
    this.#hasSpoken ||= events.some(({ type }) => type === 'text');
    return events;
  }

  #readEvent(event: JsonObject): WireEvent[] {
    switch (event['type']) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return said('text', textOf(event['delta']));
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return said('reasoning', textOf(event['delta']));
      case 'response.completed':
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
    const status = ending === 'completed' ? textOf(response['status']) || ending : ending;
    const events = [...(this.#hasSpoken ? [] : listOf(output).flatMap(readItem)), ...readUsage(usage)];
    if (isObject(error) || status === 'failed' || status === 'cancelled') {
      return [...events, { type: 'failure', failure: failureOf(objectOf(error)) }];
    }
    const reason = textOf(objectOf(details)['reason']);
    return [...events, ...finished(reason || status), { type: 'done' }];
  }
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

function readUsage(usage: unknown): WireEvent[] {
  if (!isObject(usage)) return [];
  const raw = {
    input: usage['input_tokens'],
    output: usage['output_tokens'],
    reasoning: objectOf(usage['output_tokens_details'])['reasoning_tokens'],
    total: usage['total_tokens'],
  };
  return [{ type: 'usage', usage: raw }];
}
