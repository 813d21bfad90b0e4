/**
 * The plain model of a prompt's window: which turns a prompt shows. `reserve_turn` decides it in SQL, in one statement with
 * the hold; property tests hold the two against each other.
 *
 * What may be shown at all is settled before: messages that are blank or kept out of prompts are not among those given here.
 */
import type { MessageRole } from '@timmy-tower/contract';

/** Under this budget nothing is shown: the half that the last turn is sure of would be a line. */
export const MIN_TOKEN_BUDGET = 64;
/** A turn is clipped to no less: what would be left of it says nothing, and costs all the same. */
export const MIN_CLIPPED_TOKENS = 200;
/** A message and its reply. */
const MIN_MESSAGES = 2;

export interface StoredMessage {
  readonly role: MessageRole;
  readonly content: string;
  /** A quarter of the content's length, rounded up: what budgets are counted in. */
  readonly tokenCount: number;
  readonly createdAt: Date;
}

export interface WindowBounds {
  readonly maxMessages: number;
  readonly tokenBudget: number;
  /** Set aside for what is recalled, inside `tokenBudget`. */
  readonly recallTokens: number;
}

export interface PromptWindow<M> {
  /** Oldest first, contiguous; begins with a user's message. */
  readonly messages: readonly M[];
  /** Where the oldest turn shown is clipped: how many of the messages it is, and the tokens that they get together. */
  readonly clipped: { readonly messages: number; readonly tokens: number } | undefined;
  /** What may be recalled beside it. */
  readonly recallTokens: number;
}

/** A user's message and what follows it, up to the next one. Replies before the first user's message belong to no turn. */
export function toTurns<M extends { readonly role: MessageRole }>(messages: readonly M[]): M[][] {
  const turns: M[][] = [];
  for (const message of messages) {
    if (message.role === 'user') turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}

/**
 * What a prompt shows of the messages, given oldest first. Whole turns, newest first, as far as both bounds go:
 *
 * - A turn is shown whole while all that is shown stays within the whole of `tokenBudget`; recall gets what is left then.
 * - The first turn that does not fit is shown clipped to what is left of `tokenBudget - recallTokens`, where that is enough
 *   to say something, and ends the window. The last turn is always shown, with however little that is.
 * - A turn with too many messages ends the window before it is asked how long it is, and is never clipped for it. Only the
 *   last turn is cut down to `maxMessages`: its user's message and its newest rows, and those alone count.
 */
export function promptWindow<M extends Pick<StoredMessage, 'role' | 'tokenCount'>>(
  messages: readonly M[],
  bounds: WindowBounds,
): PromptWindow<M> {
  const { maxMessages, tokenBudget, recallTokens } = settle(bounds);
  let shown: readonly M[] = [];
  let used = 0;
  let clipped: PromptWindow<M>['clipped'];
  for (const turn of toTurns(messages).toReversed()) {
    const isLast = shown.length === 0;
    const rows = isLast ? newestRows(turn, maxMessages) : turn;
    if (shown.length + rows.length > maxMessages) break;
    const tokens = tokensOf(rows);
    const left = tokenBudget - recallTokens - used;
    const isWhole = used + tokens <= tokenBudget;
    if (!isWhole && !isLast && left < MIN_CLIPPED_TOKENS) break;
    shown = [...rows, ...shown];
    used += isWhole ? tokens : left;
    if (isWhole) continue;
    clipped = { messages: rows.length, tokens: left };
    break;
  }
  return { messages: shown, clipped, recallTokens: Math.min(recallTokens, tokenBudget - used) };
}

/** Zero for either bound is nothing at all; recall is at most half, so that the last turn is sure of the other. */
function settle({ maxMessages, tokenBudget, recallTokens }: WindowBounds): WindowBounds {
  if (maxMessages === 0 || tokenBudget < MIN_TOKEN_BUDGET) return { maxMessages: 0, tokenBudget: 0, recallTokens: 0 };
  return {
    maxMessages: Math.max(maxMessages, MIN_MESSAGES),
    tokenBudget,
    recallTokens: Math.min(recallTokens, Math.floor(tokenBudget / 2)),
  };
}

function newestRows<M>([first, ...replies]: readonly M[], maxMessages: number): M[] {
  if (first === undefined || maxMessages === 0) return [];
  return [first, ...replies.slice(Math.max(0, replies.length - (maxMessages - 1)))];
}

function tokensOf(messages: readonly Pick<StoredMessage, 'tokenCount'>[]): number {
  return messages.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
}
