import { setTimeout as delay } from 'node:timers/promises';

import { orAbort } from './abort.ts';
import type { Agent, ReplyEvent, ReplyOptions } from './agent.ts';
import { demoReply } from './demo/reply.ts';
import type { Prompt } from './prompt.ts';
import { countTokensAtOnce } from './tokens.ts';

export interface DemoAgentOptions {
  /** The pause before each word: long enough to see the reply arrive. */
  readonly delayMs?: number;
}

const DEFAULT_DELAY_MS = 15;

/** An agent that needs no network and no key. The same prompt always gets the same reply. */
export function createDemoAgent({ delayMs = DEFAULT_DELAY_MS }: DemoAgentOptions = {}): Agent {
  async function* reply(prompt: Prompt, { maxOutputTokens, signal }: ReplyOptions): AsyncGenerator<ReplyEvent> {
    signal.throwIfAborted();
    const { words, finish } = fit(demoReply(prompt), maxOutputTokens);
    for (const text of words) {
      if (delayMs > 0) await orAbort(delay(delayMs, undefined, { signal }), signal);
      signal.throwIfAborted();
      yield { type: 'text', text };
    }
    yield { type: 'end', finish };
  }

  return { model: 'demo', overheadTokens: 0, reasons: () => false, health: () => ({ status: 'ok' }), reply };
}

interface FittedReply {
  readonly words: readonly string[];
  readonly finish: 'stop' | 'length';
}

/** The reply's words, each with the space before it, as many as the limit allows; the last may be cut. */
function fit(reply: string, maxOutputTokens: number): FittedReply {
  const words: string[] = [];
  let left = maxOutputTokens;
  for (const word of reply.match(/\s*\S+/g) ?? []) {
    const tokens = countTokensAtOnce(word);
    if (tokens > left) {
      const beginning = cut(word, left);
      return { words: beginning === '' ? words : [...words, beginning], finish: 'length' };
    }
    words.push(word);
    left -= tokens;
  }
  return { words, finish: 'stop' };
}

function cut(word: string, maxTokens: number): string {
  const characters = Array.from(word);
  while (countTokensAtOnce(characters.join('')) > maxTokens) characters.pop();
  return characters.join('');
}
