/** How much of a conversation each reply sees, as a person chooses it: within what the server allows, and only what differs. */
import type { ServerInfo, TurnRequest } from '@timmy-tower/contract';

import { formatNumber } from '../amounts.ts';

export const memoryLevels = ['short', 'normal', 'long'] as const;
export type MemoryLevel = (typeof memoryLevels)[number];
/** What a turn's body says of it. */
export type AskedMemory = NonNullable<TurnRequest['history']>;
export type Memory = ServerInfo['history'];
/** A server of the version before, while one replaces the other, tells neither. */
export type MemorySettings = Partial<Pick<ServerInfo, 'history' | 'historyLimit'>>;

/** The last message and its reply, and nothing from before them. */
const SHORT_MESSAGES = 2;
const LONG: Memory = { maxMessages: 200, tokenBudget: 16_000, recallTokens: 4000 };
/** Under this budget the server shows nothing. */
const LEAST_BUDGET = 64;
/** As budgets count: a token is a quarter of a text's length, rounded up. */
const CHARACTERS_PER_TOKEN = 4;

/** What each level that is offered shows; without any choice there is `normal` alone, or nothing where it is not known. */
export function memoriesOf({ history, historyLimit }: MemorySettings): Partial<Record<MemoryLevel, Memory>> {
  if (!history || !historyLimit) return {};
  const short = shorterThan(history);
  const long = longerThan(history, historyLimit);
  return { ...(short && { short }), normal: history, ...(long && { long }) };
}

/** What is in force: a level that this server does not offer is the normal one. */
export function memoryAt(level: MemoryLevel, settings: MemorySettings): Memory | undefined {
  const memories = memoriesOf(settings);
  return memories[level] ?? memories.normal;
}

/** What a message is sent with; nothing where the server's own rule is meant, whatever that becomes. */
export function askedMemory(level: MemoryLevel, settings: MemorySettings): AskedMemory | undefined {
  return level === 'normal' ? undefined : memoriesOf(settings)[level];
}

export const seesNothing = ({ maxMessages, tokenBudget }: Memory): boolean =>
  maxMessages === 0 || tokenBudget < LEAST_BUDGET;

/**
 * Of a message that is longer, follow-ups may see its beginning and its end alone, this many characters at most: what may be
 * recalled is taken off first, and its reply has a part of it.
 */
export function rememberedLength({ tokenBudget, recallTokens }: Memory): number {
  return (tokenBudget - Math.min(recallTokens, Math.floor(tokenBudget / 2))) * CHARACTERS_PER_TOKEN;
}

/** What all that a reply sees costs when there is as much of it as can be: its tokens are counted as budgets count. */
export const memoryCostMsat = ({ tokenBudget }: Memory, { inputMsatPerKtoken }: ServerPrice): number =>
  Math.ceil((tokenBudget * inputMsatPerKtoken) / 1000);

type ServerPrice = Pick<ServerInfo, 'inputMsatPerKtoken'>;

/** To be read after “Each reply sees”. */
export function describeMemory(memory: Memory): string {
  if (seesNothing(memory)) return 'nothing of what was said before';
  const { maxMessages, recallTokens } = memory;
  const newest =
    maxMessages <= SHORT_MESSAGES
      ? 'your last message and its reply'
      : `up to ${formatNumber(maxMessages)} of the newest messages`;
  return recallTokens > 0 ? `${newest}, and earlier ones that fit` : newest;
}

function shorterThan(normal: Memory): Memory | undefined {
  if (seesNothing(normal)) return undefined;
  const isShorter = normal.maxMessages > SHORT_MESSAGES || normal.recallTokens > 0;
  if (!isShorter) return undefined;
  return { ...normal, maxMessages: Math.min(SHORT_MESSAGES, normal.maxMessages), recallTokens: 0 };
}

function longerThan(normal: Memory, limit: NonNullable<MemorySettings['historyLimit']>): Memory | undefined {
  const maxMessages = Math.max(normal.maxMessages, Math.min(LONG.maxMessages, limit.maxMessages));
  const tokenBudget = Math.max(normal.tokenBudget, Math.min(LONG.tokenBudget, limit.tokenBudget));
  const recallTokens = Math.max(normal.recallTokens, Math.min(LONG.recallTokens, Math.floor(tokenBudget / 2)));
  const long = { maxMessages, tokenBudget, recallTokens };
  const isLonger = maxMessages > normal.maxMessages || tokenBudget > normal.tokenBudget;
  return isLonger && !seesNothing(long) ? long : undefined;
}
