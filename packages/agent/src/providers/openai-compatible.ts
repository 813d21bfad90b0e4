/**
 * Chat completions, as OpenAI defined them and many others send them.
 * Sources: OpenAI's reference of chat completion chunks; DeepSeek's `reasoning_content`; OpenRouter's `reasoning` and
 * `reasoning_details`; Mistral's content parts; Groq's `x_groq` (read 2026-11).
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

import { isObject, type JsonObject, listOf, objectOf, textOf } from '../wire/json.ts';
import { tellsOfError } from '../wire/error-shapes.ts';
import { failureOf } from '../wire/provider-error.ts';
import { usageIn } from '../wire/usage-in.ts';
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

type Words = { readonly text: string; readonly reasoning: string };

class ChatReader implements WireReader {
  /** Some count their choices from one. */
  #index: number | undefined;
  #said: Words = { text: '', reasoning: '' };
  #hasDeltas = false;

  read(chunk: JsonObject): WireEvent[] {
    const choices = this.#ours(listOf(chunk['choices']));
    const error = choices.map((choice) => choice['error']).find(tellsOfError);
    if (error !== undefined) return [{ type: 'failure', failure: failureOf({ error }) }];
    const usages = [chunk, ...choices, objectOf(chunk['x_groq'])].flatMap((from) => usageIn(from['usage']));
    const words = choices.flatMap((choice) => this.#readChoice(choice));
    return [...words, ...[chunk, ...choices].flatMap((from) => finished(from['finish_reason'])), ...usages];
  }

  /** All that a chunk has of the one choice that is read. */
  #ours(choices: readonly unknown[]): JsonObject[] {
    const placed = choices.map((each, place) => ({ choice: objectOf(each), index: indexOf(each) ?? place }));
    if (placed.length > 0) this.#index ??= Math.min(...placed.map(({ index }) => index));
    return placed.filter(({ index }) => index === this.#index).map(({ choice }) => choice);
  }

  #readChoice({ delta, message, text }: JsonObject): WireEvent[] {
    const hasDelta = delta !== undefined && delta !== null;
    const words = wordsIn(hasDelta ? delta : (message ?? text));
    const isWhole = !hasDelta && isObject(message);
    const fresh = isWhole ? this.#freshOf(words) : words;
    this.#said = { text: this.#said.text + fresh.text, reasoning: this.#said.reasoning + fresh.reasoning };
    this.#hasDeltas ||= !isWhole && (fresh.text !== '' || fresh.reasoning !== '');
    return [...said('reasoning', fresh.reasoning), ...said('text', fresh.text)];
  }

  /** A message may be all that was said so far, once more, or a piece. */
  #freshOf(words: Words): Words {
    const fresh = (before: string, now: string) => {
      if (now.startsWith(before)) return now.slice(before.length);
      return this.#hasDeltas ? '' : now;
    };
    return { text: fresh(this.#said.text, words.text), reasoning: fresh(this.#said.reasoning, words.reasoning) };
  }
}

function indexOf(choice: unknown): number | undefined {
  const index = Number(objectOf(choice)['index'] ?? undefined);
  return Number.isInteger(index) ? index : undefined;
}

/** A delta or a message; a bare text is its content. */
function wordsIn(delta: unknown): Words {
  const { content, refusal, ...rest } = isObject(delta) ? delta : { content: delta };
  const parts = [...(Array.isArray(content) ? content : [content]), refusal].flatMap(readPart);
  const joined = (type: WireEvent['type']) => parts.map((part) => (part.type === type ? part.text : '')).join('');
  return { text: joined('text'), reasoning: reasoningIn(rest) + joined('reasoning') };
}

/** Some send the same thought in several fields: the first that is there counts. */
function reasoningIn(delta: JsonObject): string {
  const details = listOf(delta['reasoning_details']).map((each) => {
    const detail = objectOf(each);
    return textOf(detail['text']) || textOf(detail['summary']);
  });
  const fields = [delta['reasoning_content'], delta['reasoning'], delta['thinking'], details.join('')];
  return fields.map(textIn).find((text) => text !== '') ?? '';
}

function readPart(part: unknown): { readonly type: 'text' | 'reasoning'; readonly text: string }[] {
  const { type, text, content, refusal, thinking, reasoning } = isObject(part) ? part : { text: part };
  const thought = textIn(thinking) || textIn(reasoning);
  if (thought !== '') return [{ type: 'reasoning', text: thought }];
  const words = textIn(text) || textIn(content) || textIn(refusal);
  return [{ type: /think|reason/.test(textOf(type)) ? 'reasoning' : 'text', text: words }];
}

/** A text, or what the texts of its parts make. */
function textIn(value: unknown): string {
  if (Array.isArray(value)) return value.map(textIn).join('');
  if (typeof value === 'number') return String(value);
  return isObject(value) ? textIn(value['text'] ?? value['content'] ?? value['value']) : textOf(value);
}
