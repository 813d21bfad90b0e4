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
  /** The parts of the output that were said, in pieces or whole. */
  readonly #spoken = new Set<string>();
  #hasThought = false;

  read(event: JsonObject): WireEvent[] {
    const events = this.#readEvent(event);
    if (textOf(event['type']).endsWith('.delta') && events.some(({ type }) => type === 'text')) {
      this.#spoken.add(placeOf(event['output_index'], event['content_index']));
    }
    this.#hasThought ||= events.some(({ type }) => type === 'reasoning');
    return events;
  }

  #readEvent(event: JsonObject): WireEvent[] {
    switch (event['type']) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return said('text', event['delta']);
      case 'response.output_text.done':
      case 'response.refusal.done':
        return this.#readPart(event, event['output_index'], event['content_index']);
      case 'response.content_part.done':
        return this.#readPart(event['part'], event['output_index'], event['content_index']);
      case 'response.output_item.done':
        return this.#readItem(event['item'], event['output_index']);
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return said('reasoning', event['delta']);
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
    const events = [
      ...(this.#spoken.size > 0 ? [] : listOf(output).flatMap((item, place) => this.#readItem(item, place))),
      ...usageIn(usage),
    ];
    if (isObject(error) || status === 'failed' || status === 'cancelled') {
      return [...events, { type: 'failure', failure: failureOf(objectOf(error)) }];
    }
    const reason = textOf(objectOf(details)['reason']);
    return [...events, ...finished(reason || status), { type: 'done' }];
  }

  /** An item of the output, for streams that bring it whole. */
  #readItem(item: unknown, place: unknown): WireEvent[] {
    const { type, content, summary } = objectOf(item);
    if (type === 'reasoning') return this.#hasThought ? [] : listOf(summary).flatMap(readThought);
    return listOf(content).flatMap((part, partPlace) => this.#readPart(part, place, partPlace));
  }

  #readPart(part: unknown, item: unknown, place: unknown): WireEvent[] {
    const key = placeOf(item, place);
    const isSaid = this.#spoken.has(key) || this.#spoken.has(NOWHERE) || (key === NOWHERE && this.#spoken.size > 0);
    const { type, text, refusal } = objectOf(part);
    if (isSaid || type === 'reasoning_text') return [];
    const words = [...said('text', text), ...said('text', refusal)];
    if (words.length > 0) this.#spoken.add(key);
    return words;
  }
}

const placeOf = (item: unknown, part: unknown) => `${String(item)}.${String(part)}`;
/** Of pieces that do not tell where they belong: any part may be theirs. */
const NOWHERE = placeOf(undefined, undefined);

const readThought = (part: unknown) => said('reasoning', objectOf(part)['text']);
