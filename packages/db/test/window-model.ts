/** What a turn shows of a conversation, as the product page says it: slowly, and turn by turn. */
import type { MessageRole } from '@timmy-tower/contract';

export interface WindowMessage {
  readonly role: MessageRole;
  readonly tokens: number;
  readonly promptTokens: number;
}

export interface WindowBounds {
  readonly maxMessages: number;
  readonly tokenBudget: number;
  readonly recallTokens: number;
}

export interface Window<Message extends WindowMessage> {
  /** Oldest first. */
  readonly shown: readonly Message[];
  readonly tokens: number;
  /** With four for each message; of a clipped turn, the share that is shown. */
  readonly promptTokens: number;
  /** What the first turn is clipped to. */
  readonly clipTokens: number | undefined;
  /** What may be recalled from before it. */
  readonly recallTokens: number;
}

const MARKER_TOKENS = 4;
const LEAST_BUDGET = 64;
const LEAST_CLIP = 200;

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
const tokensOf = (messages: readonly WindowMessage[]) => sum(messages.map(({ tokens }) => tokens));

/** @param messages those that may be shown, oldest first */
export function windowModel<Message extends WindowMessage>(
  messages: readonly Message[],
  { maxMessages, tokenBudget, recallTokens }: WindowBounds,
): Window<Message> {
  const most = maxMessages === 1 ? 2 : maxMessages;
  const recall = Math.min(recallTokens, Math.floor(tokenBudget / 2));
  let window: Window<Message> = { shown: [], tokens: 0, promptTokens: 0, clipTokens: undefined, recallTokens: 0 };
  if (most === 0 || tokenBudget < LEAST_BUDGET) return window;
  const turns = turnsOf(messages);
  for (const whole of turns.toReversed()) {
    const isLast = window.shown.length === 0;
    const turn = isLast && whole.length > most ? [whole[0]!, ...whole.slice(whole.length - most + 1)] : whole;
    if (window.shown.length + turn.length > most || window.clipTokens !== undefined) break;
    const fits = window.tokens + tokensOf(turn) <= tokenBudget;
    const clipTokens = fits ? undefined : tokenBudget - recall - window.tokens;
    if (!isLast && clipTokens !== undefined && clipTokens < LEAST_CLIP) break;
    window = {
      ...window,
      shown: [...turn, ...window.shown],
      tokens: window.tokens + (clipTokens ?? tokensOf(turn)),
      promptTokens: window.promptTokens + promptTokensOf(turn, clipTokens),
      clipTokens,
    };
  }
  const hasMore = window.shown.length > 0 && window.shown.length < messages.length;
  return { ...window, recallTokens: hasMore ? Math.min(recall, tokenBudget - window.tokens) : 0 };
}

/** A user's message and what follows it; replies before the first belong to no turn. */
function turnsOf<Message extends WindowMessage>(messages: readonly Message[]): Message[][] {
  const turns: Message[][] = [];
  for (const message of messages) {
    if (message.role === 'user') turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}

function promptTokensOf(turn: readonly WindowMessage[], clipTokens: number | undefined): number {
  const [user, ...replies] = turn;
  const replyTokens = tokensOf(replies);
  const ofReplies = sum(replies.map(({ promptTokens }) => promptTokens + MARKER_TOKENS));
  if (clipTokens === undefined) return user!.promptTokens + MARKER_TOKENS + ofReplies;
  const userTokens = Math.min(user!.tokens, Math.max(Math.floor(clipTokens / 4), clipTokens - replyTokens));
  return (
    MARKER_TOKENS +
    shareOf(user!.promptTokens, userTokens, user!.tokens) +
    shareOf(ofReplies, clipTokens - userTokens, replyTokens)
  );
}

const shareOf = (count: number, part: number, whole: number) =>
  part >= whole ? count : Math.ceil((count * part) / whole);
