/** Cutting the middle out of what is too long. What comes first says what it is, what comes last is what it came to. */
import type { StoredMessage } from './turns.ts';

/** As budgets count: `tokenCount` is a quarter of a content's length, rounded up. */
const CHARACTERS_PER_TOKEN = 4;
/** Of a clipped turn, where its replies need it: the question is mostly pasted text, and the reply is what is asked about. */
const REPLY_SHARE = 3 / 4;
/** Beside a marker, on both sides together: with less, the start of a text says more than both ends of it. */
const MIN_ROOM = 16;
/** What belongs to the character before it. The low half of a surrogate pair is seen alone only where a cut would tear it. */
const CONTINUES = /^[\p{M}\p{Emoji_Modifier}\u200d\udc00-\udfff]/u;
const JOINER = '\u200d';

export type Clippable = Pick<StoredMessage, 'role' | 'content' | 'tokenCount'>;

/**
 * The messages of one turn with the middle of the long ones cut out, so that together they have at most that many tokens.
 * Each says how many characters are missing. The replies keep at least three quarters of the tokens where they need them.
 * Only where there are fewer tokens than messages, the oldest replies are left out.
 */
export function clipTurn<M extends Clippable>(turn: readonly M[], tokens: number): M[] {
  const needs = turn.map(({ tokenCount }) => tokenCount);
  const [asked = 0, ...replies] = needs;
  const replied = replies.reduce((sum, need) => sum + need, 0);
  if (asked + replied <= tokens) return [...turn];
  const forReplies = Math.min(replied, Math.max(Math.ceil(tokens * REPLY_SHARE), tokens - asked), tokens - 1);
  const shares = [tokens - forReplies, ...shareOut(replies, forReplies)];
  return turn.flatMap((message, index) => clipMessage(message, shares[index] ?? 0));
}

/** The message within so many tokens; none where there is no room for a single one. */
export function clipMessage<M extends Clippable>(message: M, tokens: number): M[] {
  if (message.tokenCount <= tokens) return [message];
  if (tokens < 1) return [];
  const content = clipText(message.content, Math.floor(tokens) * CHARACTERS_PER_TOKEN);
  return [{ ...message, content, tokenCount: Math.ceil(content.length / CHARACTERS_PER_TOKEN) }];
}

/** The same to each, but what the short ones do not need goes to the long ones, and what cannot be divided to the newest. */
function shareOut(needs: readonly number[], tokens: number): number[] {
  const shares = needs.map(() => 0);
  const shortestFirst = [...needs.keys()].toSorted((a, b) => needs[a]! - needs[b]!);
  let left = tokens;
  for (const [done, index] of shortestFirst.entries()) {
    shares[index] = Math.min(needs[index]!, Math.floor(left / (needs.length - done)));
    left -= shares[index];
  }
  return shares;
}

/** @param length in UTF-16 code units, as `String.length` counts; the answer is never longer */
export function clipText(text: string, length: number): string {
  if (text.length <= length) return text;
  const room = length - markerOf(text.length).length;
  if (room < MIN_ROOM) return length < 1 ? '' : `${text.slice(0, cutBefore(text, length - 1))}…`;
  const head = Math.ceil(room / 2);
  const from = cutBefore(text, head);
  const to = cutAfter(text, text.length - (room - head));
  return text.slice(0, from) + markerOf(to - from) + text.slice(to);
}

const markerOf = (missing: number) => ` [… ${missing} characters left out …] `;

function cutBefore(text: string, at: number): number {
  let cut = at;
  while (isInsideCharacter(text, cut)) cut -= 1;
  return cut;
}

function cutAfter(text: string, at: number): number {
  let cut = at;
  while (isInsideCharacter(text, cut)) cut += 1;
  return cut;
}

function isInsideCharacter(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false;
  return text[at - 1] === JOINER || CONTINUES.test(text.slice(at, at + 2));
}
