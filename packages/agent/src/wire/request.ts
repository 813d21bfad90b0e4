/** What a provider is asked: its SDK puts it into words, and we send it. */
import type { LanguageModelV4, LanguageModelV4Prompt } from '@ai-sdk/provider';

import { lastMessageOf, type Prompt } from '../prompt.ts';
import { ProviderFailure } from './provider-failure.ts';

export interface ProviderRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Question {
  readonly instructions: string;
  readonly prompt: Prompt;
  readonly maxOutputTokens: number;
}

type Fetch = typeof globalThis.fetch;

/** Carries a request out of the SDK, unsent. Nobody else sees it. */
class CapturedRequest extends Error {
  override readonly name = 'CapturedRequest';
  readonly code = 'not-sent';
  readonly request: ProviderRequest;

  constructor(request: ProviderRequest) {
    super('not sent');
    this.request = request;
  }
}

/** For the models that `buildRequest` takes. Their answers we read ourselves: see `read-events.ts`. */
export const captureRequest: Fetch = async (url, init) => {
  throw new CapturedRequest({ url: urlOf(url), headers: headersOf(init), body: bodyOf(init) });
};

/** The request that the SDK's model would send. */
export async function buildRequest(model: LanguageModelV4, question: Question): Promise<ProviderRequest> {
  try {
    await model.doStream({
      prompt: toSdkPrompt(question),
      maxOutputTokens: question.maxOutputTokens,
      // OpenAI would keep every response for a month; other providers do not read this.
      providerOptions: { openai: { store: false } },
    });
  } catch (error) {
    if (error instanceof CapturedRequest) return error.request;
    throw error;
  }
  throw new ProviderFailure('out-of-order', { code: 'sdk_asked_nothing' });
}

function toSdkPrompt({ instructions, prompt }: Question): LanguageModelV4Prompt {
  const text = (content: string) => [{ type: 'text' as const, text: content }];
  return [
    { role: 'system', content: instructions },
    ...prompt.history.map(({ role, content }) => ({ role, content: text(content) })),
    { role: 'user', content: text(lastMessageOf(prompt)) },
  ];
}

function urlOf(url: Parameters<Fetch>[0]): string {
  return url instanceof Request ? url.url : String(url);
}

function headersOf(init: RequestInit | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(init?.headers));
}

function bodyOf(init: RequestInit | undefined): string {
  if (typeof init?.body !== 'string') throw new ProviderFailure('out-of-order', { code: 'sdk_asked_without_text' });
  return init.body;
}
