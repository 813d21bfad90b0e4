/**
 * Chat completions, as OpenAI defined them and many others send them.
 * Sources: OpenAI's reference of chat completion chunks; DeepSeek's `reasoning_content`; OpenRouter's `reasoning` and
 * `reasoning_details`; Mistral's content parts; Groq's `x_groq` (read 2026-11).
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

import { isObject, type JsonObject, listOf, objectOf, textOf } from '../wire/json.ts';
import { failureOf, tellsOfError } from '../wire/provider-error.ts';
import { captureRequest } from '../wire/request.ts';
import { finished, said, type WireEvent, type WireReader } from '../wire/wire-event.ts';
import type { Provider, ProviderSettings } from './provider.ts';

export function createOpenaiCompatibleProvider({ modelId, apiKey, baseURL }: ProviderSettings): Provider {
  return {
    minOutputTokens: 1,
    model: createOpenAICompatible({
      name: 'openai-compatible',
      baseURL,
      includeUsage: true,
      fetch: captureRequest,
      ...(apiKey ? { apiKey } : {}),
    })(modelId),
    createReader: () => new ChatReader(),
  };
}

class ChatReader implements WireReader {
  #hasSpoken = false;

  read(chunk: JsonObject): WireEvent[] {
    const choice = objectOf(listOf(chunk['choices']).find((each) => isFirst(objectOf(each)['index'])));
    if (isObject(choice['error']) && tellsOfError(choice['error']))
      return [{ type: 'failure', failure: failureOf(choice['error']) }];
    const events = [...this.#readDelta(choice), ...finished(choice['finish_reason'])];
    return [...events, ...readUsage(chunk['usage'] ?? choice['usage'] ?? objectOf(chunk['x_groq'])['usage'])];
  }

  #readDelta(choice: JsonObject): WireEvent[] {
    const delta = choice['delta'] ?? (this.#hasSpoken ? undefined : (choice['message'] ?? { content: choice['text'] }));
    const events = [...readReasoning(objectOf(delta)), ...readContent(objectOf(delta))];
    this.#hasSpoken ||= events.length > 0;
    return events;
  }
}

const isFirst = (index: unknown) => index === 0 || typeof index !== 'number';

/** Some send the same thought in several fields: the first that is there counts. */
function readReasoning(delta: JsonObject): WireEvent[] {
  const details = listOf(delta['reasoning_details']).map((each) => {
    const detail = objectOf(each);
    return textOf(detail['text']) || textOf(detail['summary']);
  });
  const fields = [delta['reasoning_content'], delta['reasoning'], delta['thinking'], details.join('')];
  return said('reasoning', fields.map(textIn).find((text) => text !== '') ?? '');
}

function readContent({ content, refusal }: JsonObject): WireEvent[] {
  const events = Array.isArray(content) ? content.flatMap(readPart) : said('text', textOf(content));
  return [...events, ...said('text', textOf(refusal))];
}

function readPart(part: unknown): WireEvent[] {
  if (typeof part === 'string') return said('text', part);
  const { type, text, thinking, reasoning } = objectOf(part);
  const thought = textIn(thinking) || textIn(reasoning);
  if (thought !== '') return said('reasoning', thought);
  return said(/think|reason/.test(textOf(type)) ? 'reasoning' : 'text', textOf(text));
}

/** A text, or what the texts of its parts make. */
function textIn(value: unknown): string {
  if (Array.isArray(value)) return value.map(textIn).join('');
  return isObject(value) ? textOf(value['text'] ?? value['content']) : textOf(value);
}

function readUsage(usage: unknown): WireEvent[] {
  if (!isObject(usage)) return [];
  const details = objectOf(usage['completion_tokens_details'] ?? usage['output_tokens_details']);
  const raw = {
    input: usage['prompt_tokens'] ?? usage['input_tokens'],
    output: usage['completion_tokens'] ?? usage['output_tokens'],
    reasoning: details['reasoning_tokens'] ?? usage['reasoning_tokens'],
    total: usage['total_tokens'],
  };
  return [{ type: 'usage', usage: raw }];
}
