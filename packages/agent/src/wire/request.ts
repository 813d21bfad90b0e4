/** What a provider is asked: its SDK puts it into words, and we send it. */
import type { LanguageModelV4, LanguageModelV4Prompt } from '@ai-sdk/provider';

import type { Prompt } from '../agent.ts';

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

/** The request that the SDK's model would send. Its answer we read ourselves: see `read-events.ts`. */
export async function buildRequest(
  openModel: (fetch: Fetch) => LanguageModelV4,
  question: Question,
): Promise<ProviderRequest> {
  let request: ProviderRequest | undefined;
  const model = openModel(async (url, init) => {
    request = { url: urlOf(url), headers: { ...headersOf(init) }, body: bodyOf(init) };
    throw new Error('not sent');
  });
  try {
    await model.doStream({
      prompt: toSdkPrompt(question),
      maxOutputTokens: question.maxOutputTokens,
      // OpenAI would keep every response for a month; other providers do not read this.
      providerOptions: { openai: { store: false } },
    });
  } catch (error) {
    if (request === undefined) throw error;
  }
  if (request === undefined) throw new Error('the SDK asked nothing');
  return request;
}

function toSdkPrompt({ instructions, prompt }: Question): LanguageModelV4Prompt {
  const text = (content: string) => [{ type: 'text' as const, text: content }];
  return [
    { role: 'system', content: instructions },
    ...prompt.history.map(({ role, content }) => ({ role, content: text(content) })),
    { role: 'user', content: text(prompt.message) },
  ];
}

function urlOf(url: Parameters<Fetch>[0]): string {
  return url instanceof Request ? url.url : String(url);
}

function headersOf(init: RequestInit | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(init?.headers));
}

function bodyOf(init: RequestInit | undefined): string {
  if (typeof init?.body !== 'string') throw new Error('the SDK asked without a text');
  return init.body;
}
