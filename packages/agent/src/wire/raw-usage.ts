/** Usage as providers report it. What they mean by a count differs, and some counts cannot be true. */
import { lastMessageOf, type Prompt } from '../prompt.ts';
import type { ReportedUsage } from '../usage.ts';

export interface RawUsage {
  readonly input?: unknown;
  readonly output?: unknown;
  readonly reasoning?: unknown;
  readonly total?: unknown;
  /** What was read from a cache: a part of the input, or apart from it. */
  readonly cached?: unknown;
}

/** More than any model says in one reply. */
const MOST_OUTPUT_TOKENS = 1_000_000;
/** What a provider may put before a prompt without telling. */
const MOST_ADDED_TOKENS = 32_768;
const MOST_MESSAGE_MARKER_TOKENS = 64;
/** A token is a byte at least, and a UTF-16 code unit three bytes at most. */
const MOST_TOKENS_PER_UNIT = 3;

/** The most that the prompt can be in any tokenizer. */
export function mostInputTokens(prompt: Prompt, overheadTokens: number): number {
  const { history } = prompt;
  let units = lastMessageOf(prompt).length;
  for (const { content } of history) units += content.length;
  const marked = MOST_MESSAGE_MARKER_TOKENS * (history.length + 2);
  return MOST_ADDED_TOKENS + marked + MOST_TOKENS_PER_UNIT * (units + overheadTokens);
}

/**
 * The counts that can be true. Some leave reasoning out of their output and tell it by the total alone: where the total is
 * more than its parts, the rest is output too, and so is reasoning that is more than the output it should be a part of.
 */
export function readUsage(raw: RawUsage, mostInput: number): ReportedUsage {
  const total = countOf(raw.total, mostInput + MOST_OUTPUT_TOKENS);
  const told = countOf(raw.output, MOST_OUTPUT_TOKENS);
  const inputTokens = inputOf(raw, (total ?? 0) - (told ?? 0), mostInput);
  const rest =
    inputTokens === undefined || total === undefined ? undefined : countOf(total - inputTokens, MOST_OUTPUT_TOKENS);
  const visible = told === undefined && rest === undefined ? undefined : Math.max(told ?? 0, rest ?? 0);
  const reasoningTokens = countOf(raw.reasoning, MOST_OUTPUT_TOKENS);
  const isLeftOut = (reasoningTokens ?? 0) > (visible ?? 0);
  return { inputTokens, outputTokens: isLeftOut ? (visible ?? 0) + (reasoningTokens ?? 0) : visible, reasoningTokens };
}

/** What came from a cache is apart where it is more than the input, or where the total is right only with it. */
function inputOf({ input, cached }: RawUsage, totalInput: number, most: number): number | undefined {
  const told = countOf(input, most);
  const fromCache = countOf(cached, most) ?? 0;
  if (told === undefined || told + fromCache > most) return told;
  return fromCache > told || told + fromCache === totalInput ? told + fromCache : told;
}

/** Of two reports of one reply the larger counts: reports grow, and a last one may be empty. */
export function laterUsage(before: ReportedUsage, after: ReportedUsage): ReportedUsage {
  return {
    inputTokens: larger(before.inputTokens, after.inputTokens),
    outputTokens: larger(before.outputTokens, after.outputTokens),
    reasoningTokens: larger(before.reasoningTokens, after.reasoningTokens),
  };
}

/** Whether anything was told: zeros tell nothing. */
export function isReported({ inputTokens, outputTokens }: ReportedUsage): boolean {
  return Boolean(inputTokens) || Boolean(outputTokens);
}

function larger(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** A whole number that is not above the most; some send it as text. */
function countOf(value: unknown, most: number): number | undefined {
  const count = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= most ? count : undefined;
}
