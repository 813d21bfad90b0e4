/** Which of the messages that lie before the window come along with a question, within a budget. */
import { BLOCK_PROMPT_TOKENS, promptTokensInBlock } from './block.ts';
import { clipMessage } from './clip.ts';
import { scoreMessages } from './score.ts';
import type { StoredMessage } from './turns.ts';

/** Of the best score: what is below it is not worth its tokens. */
const FLOOR = 0.3;
/** The opening often says what the conversation is for; the median one has 64 tokens. */
const SHARE_OF_OPENING = 1 / 4;

export interface RecallableMessage extends StoredMessage {
  /** As the provider is expected to count; what the payer's hold is reckoned in. */
  readonly promptTokens: number;
}

export interface RecallRequest {
  /** What lies before the window, oldest first; perhaps only the newest of it. */
  readonly before: readonly RecallableMessage[];
  /** The user's message that the conversation opened with, where it lies before the window: also if it is not in `before`. */
  readonly opening: RecallableMessage | undefined;
  readonly question: string;
  /** Bounds the sum of `tokenCount`. */
  readonly tokens: number;
  /** Bounds the sum of `promptTokens`, and what the block around the messages adds to them. */
  readonly promptTokens: number;
}

export interface Recalled {
  /** Oldest first, each at most once. */
  readonly messages: readonly RecallableMessage[];
  /** Whether the opening was cut; nothing else ever is. */
  readonly clipped: boolean;
}

/** Pays for messages; false where they do not all fit, and then for none of them. */
type Spend = (messages: readonly RecallableMessage[]) => boolean;

/**
 * The opening, then the best matches with the other halves of their turns, ties to the newer. What is not spent stays unspent.
 * Yields where others may have their turn; what it answers depends on nothing but the request.
 */
export function* recall(request: RecallRequest): Generator<undefined, Recalled> {
  const { before, question } = request;
  const spend = createSpend(request);
  const opening = clipOpening(request).find((message) => spend([message]));
  const openingAt = opening === undefined ? -1 : before.findIndex((message) => isSame(message, request.opening!));
  const scores = yield* scoreMessages(
    before.map(({ content }) => content),
    question,
  );
  const others = otherHalves(before);
  const chosen = new Set<number>(openingAt < 0 ? [] : [openingAt]);
  for (const at of rank(scores)) {
    yield;
    const turn = [at, others[at]!].filter((half) => half >= 0 && !chosen.has(half));
    const fitting = [turn, turn.slice(0, 1)].find((indexes) => spend(indexes.map((index) => before[index]!)));
    for (const index of fitting ?? []) chosen.add(index);
  }
  const messages = [...chosen].toSorted((a, b) => a - b).map((at) => (at === openingAt ? opening! : before[at]!));
  if (opening !== undefined && openingAt < 0) messages.unshift(opening);
  return { messages, clipped: opening !== undefined && opening.content !== request.opening?.content };
}

function createSpend({ tokens, promptTokens }: RecallRequest): Spend {
  let left = tokens;
  let promptLeft = promptTokens - BLOCK_PROMPT_TOKENS;
  return (messages) => {
    const cost = messages.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    if (cost > left) return false;
    const promptCost = messages.reduce((sum, message) => sum + promptTokensInBlock(message), 0);
    if (promptCost > promptLeft) return false;
    left -= cost;
    promptLeft -= promptCost;
    return true;
  };
}

function clipOpening({ opening, tokens }: RecallRequest): RecallableMessage[] {
  if (opening === undefined) return [];
  return clipMessage(opening, Math.floor(tokens * SHARE_OF_OPENING)).map((clipped) => ({
    ...clipped,
    promptTokens: Math.ceil((opening.promptTokens * clipped.content.length) / opening.content.length),
  }));
}

function isSame(a: RecallableMessage, b: RecallableMessage): boolean {
  if (a === b) return true;
  return a.role === b.role && a.createdAt.getTime() === b.createdAt.getTime() && a.content === b.content;
}

function rank(scores: Float64Array): number[] {
  const floor = FLOOR * scores.reduce((best, score) => Math.max(best, score), 0);
  const hits = [...scores.keys()].filter((at) => scores[at]! > 0 && scores[at]! >= floor);
  return hits.toSorted((a, b) => scores[b]! - scores[a]! || b - a);
}

/** Of a reply, the user's message that it belongs to; of a user's message, its first reply; -1 where there is none. */
function otherHalves(messages: readonly RecallableMessage[]): number[] {
  let asked = -1;
  return messages.map(({ role }, at) => {
    if (role === 'assistant') return asked;
    asked = at;
    return messages[at + 1]?.role === 'assistant' ? at + 1 : -1;
  });
}
