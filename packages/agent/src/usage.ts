/** What a reply used: the provider's numbers where it has told any that can be true, our own count for the rest. */
import { lastMessageOf, type Prompt } from './prompt.ts';
import { countTokens, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of the output that was reasoning. */
  readonly reasoningTokens: number;
}

/** What was told: each number is one that a model can have. */
export type ReportedUsage = { readonly [Count in keyof Usage]?: Usage[Count] | undefined };

/** What a reply was made of. */
export interface Exchange {
  readonly prompt: Prompt;
  readonly overheadTokens: number;
  readonly reply: string;
  readonly reasoning: string;
  /** Whether it came to its own end: what was told of half a reply may be less than what was said since. */
  readonly isWhole: boolean;
}

/** A tokenizer that makes less than a quarter of our count of the same text: there is none, so the number is wrong. */
const LEAST_SHARE_OF_OURS = 4;
/** In UTF-16 code units. Ours has some four to a token of English, and fewer in most other languages. */
const FEW_UNITS_PER_TOKEN = 2;

/** The usage of a whole or a broken reply. Its input is never zero, nor is its output where anything was said or thought. */
export async function completeUsage(reported: ReportedUsage, exchange: Exchange): Promise<Usage> {
  const thought = await countTokens(exchange.reasoning);
  const counted = thought + (await countTokens(exchange.reply));
  const told = reported.outputTokens ?? 0;
  const isTooLittle = exchange.isWhole ? told * LEAST_SHARE_OF_OURS < counted : told < counted;
  const outputTokens = isTooLittle ? counted : told;
  return {
    inputTokens: await inputTokensOf(reported.inputTokens ?? 0, exchange),
    outputTokens,
    reasoningTokens: Math.min(reported.reasoningTokens || thought, outputTokens),
  };
}

/** Some report only what was not in their cache: counting the prompt is worth its time where the number looks like it. */
async function inputTokensOf(told: number, exchange: Exchange): Promise<number> {
  const { history } = exchange.prompt;
  const length = history.reduce((sum, { content }) => sum + content.length, lastMessageOf(exchange.prompt).length);
  if (told > 0 && told * FEW_UNITS_PER_TOKEN * LEAST_SHARE_OF_OURS >= length) return told;
  const counted = await countPrompt(exchange);
  return told * LEAST_SHARE_OF_OURS < counted ? counted : told;
}

/** Our own count of what the model was shown. */
async function countPrompt({ prompt, overheadTokens }: Exchange): Promise<number> {
  let tokens = overheadTokens + (await countTokens(lastMessageOf(prompt))) + MESSAGE_OVERHEAD_TOKENS;
  for (const { content } of prompt.history) {
    // oxlint-disable-next-line no-await-in-loop -- counting is one thing after the other anyway
    tokens += (await countTokens(content)) + MESSAGE_OVERHEAD_TOKENS;
  }
  return tokens;
}
