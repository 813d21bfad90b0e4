/** Any language model of the AI SDK as an agent. The only file that knows the SDK. */
import { AppError } from '@timmy-tower/contract';
import {
  APICallError,
  type LanguageModel,
  type LanguageModelUsage,
  RetryError,
  StreamProviderError,
  streamText,
} from 'ai';

import { untilAborted } from './abort.ts';
import type { Agent, Prompt, ReplyEvent, ReplyOptions, Usage } from './agent.ts';
import { countTokens, estimateUsage, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';

const MAX_PROVIDER_MESSAGE_LENGTH = 300;

export interface AiSdkAgentOptions {
  readonly model: Exclude<LanguageModel, string>;
  /** Named in every answer. */
  readonly name: string;
  /** The whole system prompt. */
  readonly instructions: string;
}

/** An agent that asks a language model. It keeps nothing between turns and writes nothing to the console. */
export function createAiSdkAgent({ model, name, instructions }: AiSdkAgentOptions): Agent {
  // The SDK reports what a model does not support on stderr, and has no switch for it but this global.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const overheadTokens = countTokens(instructions) + MESSAGE_OVERHEAD_TOKENS;

  async function* reply(prompt: Prompt, options: ReplyOptions): AsyncGenerator<ReplyEvent> {
    const upstream = new AbortController();
    let text = '';
    try {
      const parts = streamParts({ model, instructions, prompt, maxOutputTokens: options.maxOutputTokens, upstream });
      for await (const part of untilAborted(parts, options.signal)) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta') {
          text += part.text;
          yield { type: 'text', text: part.text };
        } else if (part.type === 'finish') {
          const finish = acceptFinish(part.finishReason, text);
          const usage = completeUsage(part.totalUsage, () => estimateUsage({ prompt, overheadTokens, reply: text }));
          yield { type: 'end', finish, usage };
          return;
        }
      }
      throw failure('the stream ended without a finish');
    } catch (error) {
      options.signal.throwIfAborted();
      throw error instanceof AppError ? error : failure(describe(error));
    } finally {
      upstream.abort();
    }
  }

  return { model: name, overheadTokens, reply };
}

interface StreamOptions {
  readonly model: Exclude<LanguageModel, string>;
  readonly instructions: string;
  readonly prompt: Prompt;
  readonly maxOutputTokens: number;
  readonly upstream: AbortController;
}

function streamParts({ model, instructions, prompt, maxOutputTokens, upstream }: StreamOptions) {
  const { stream } = streamText({
    model,
    instructions,
    messages: [...prompt.history, { role: 'user', content: prompt.message }],
    maxOutputTokens,
    abortSignal: upstream.signal,
    maxRetries: 1,
    // OpenAI would keep every response for a month; other providers do not read this.
    providerOptions: { openai: { store: false } },
    // Every error arrives as a part too; without a handler the SDK prints it.
    onError: () => {},
  });
  return stream;
}

/** @throws {AppError} `agent-failed` unless the model came to an end of its own or was cut off at its limit */
function acceptFinish(reason: string, text: string): 'stop' | 'length' {
  if (reason === 'length') return 'length';
  if (reason === 'stop') return 'stop';
  if (reason === 'content-filter') {
    if (text !== '') return 'stop';
    throw failure('the provider filtered the answer', 'The model declined to answer this. Say it in another way.');
  }
  throw failure(`the model's answer ended as '${reason}'`);
}

/** The provider's own numbers; each one that it left out, or that cannot be true, is taken from our count. */
function completeUsage(reported: LanguageModelUsage, estimate: () => Usage): Usage {
  const { inputTokens = 0, outputTokens = 0 } = reported;
  const inputIsGiven = isCount(inputTokens);
  const outputIsGiven = isCount(outputTokens);
  if (inputIsGiven && outputIsGiven) return { inputTokens, outputTokens };
  const estimated = estimate();
  return {
    inputTokens: inputIsGiven ? inputTokens : estimated.inputTokens,
    outputTokens: outputIsGiven ? outputTokens : estimated.outputTokens,
  };
}

function isCount(tokens: number): boolean {
  return Number.isSafeInteger(tokens) && tokens > 0;
}

function failure(what: string, message = 'The model failed to answer. Try again in a moment.'): AppError {
  return new AppError('agent-failed', message, { cause: new Error(what) });
}

/**
 * What an operator needs to know of a failure. The SDK's own errors do not travel as a cause: they carry what people said
 * (the request), the provider's answer and its headers, and a parse error quotes the reply.
 */
function describe(error: unknown): string {
  const origin = RetryError.isInstance(error) ? error.lastError : error;
  if (!APICallError.isInstance(origin) && !StreamProviderError.isInstance(origin)) {
    return `the stream broke: ${origin instanceof Error ? origin.name : 'an unknown error'}`;
  }
  const { statusCode, message } = origin;
  if (statusCode === 200) return 'the connection broke in the middle of the answer';
  // A refused key may be quoted in the provider's message.
  if (statusCode === 401 || statusCode === 403) return `the provider refused the key (HTTP ${statusCode})`;
  const status = statusCode === undefined ? 'no answer' : `HTTP ${statusCode}`;
  return `the provider failed (${status}): ${message.slice(0, MAX_PROVIDER_MESSAGE_LENGTH)}`;
}
