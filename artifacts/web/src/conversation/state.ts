import type { Invoice, Message, Problem, Session, ShownHistory, TurnAnswer } from '@timmy-tower/contract';

import { cutText } from '../graphemes.ts';
import type { AskedMemory } from '../memory/memory-levels.ts';

/**
 * A turn from the moment it is sent until its reply is among the messages.
 * `waiting`: another request of the session runs first. `recovering`: the stream was lost, its outcome is being looked up.
 * `unpaid`: the balance did not do. `failed`: its sender is asked what to do; whether it was charged, `notCharged` tells.
 */
export interface LiveTurn {
  readonly idempotencyKey: string;
  readonly content: string;
  /** What it was sent with: sent again it says the same, whatever was chosen since. */
  readonly memory?: AskedMemory | undefined;
  readonly requestId?: string | undefined;
  readonly status: 'sending' | 'replying' | 'waiting' | 'recovering' | 'unpaid' | 'failed';
  readonly history?: ShownHistory | undefined;
  readonly problem?: Problem | undefined;
  readonly stopping?: boolean;
  /** The server itself said that it failed. Without this nobody knows: only the same key may be tried again. */
  readonly notCharged?: boolean;
  /** Sent before this page was loaded. */
  readonly resumed?: boolean;
}

export interface ConversationState {
  readonly phase: 'loading' | 'ready' | 'gone' | 'unreachable';
  readonly session: Session | undefined;
  readonly messages: readonly Message[];
  /** How many of them came in above what was there first: it numbers them so that none changes its number. */
  readonly prepended: number;
  readonly older: 'none' | 'more' | 'loading';
  readonly turn: LiveTurn | undefined;
  readonly topUp: { readonly invoice?: Invoice | undefined } | undefined;
  readonly connected: boolean;
  /** What a screen reader is told, and what is shown for a moment. */
  readonly announcement: string;
}

export const initialState: ConversationState = {
  phase: 'loading',
  session: undefined,
  messages: [],
  prepended: 0,
  older: 'none',
  turn: undefined,
  topUp: undefined,
  connected: true,
  announcement: '',
};

/** One message of each role a request: ours is known before the server has told its id. */
export const messageKey = ({ id, sessionRequestId, role }: Message): string =>
  sessionRequestId === null ? id : `${sessionRequestId}-${role}`;

/** Both lists, oldest first, each message once. */
export function joinMessages(older: readonly Message[], newer: readonly Message[]): readonly Message[] {
  const known = new Set(older.map(messageKey));
  const fresh = newer.filter((message) => !known.has(messageKey(message)));
  return fresh.length === 0 ? older : [...older, ...fresh];
}

/** What a finished turn adds to the conversation; nothing if it was forgotten meanwhile. */
export function messagesOf({ request, reply }: TurnAnswer, content: string): Message[] {
  if (!reply) return [];
  const sessionRequestId = request.id;
  const { createdAt } = reply;
  return [
    { id: `sent-${request.id}`, sessionRequestId, role: 'user', content, tokenCount: 0, createdAt },
    { ...reply, sessionRequestId },
  ];
}

const MAX_SPOKEN = 600;

/** A long reply is spoken in part: the rest is read in the conversation, at the reader's pace. */
export function spokenReply(content: string): string {
  if (content === '') return 'Nothing was said.';
  if (content.length <= MAX_SPOKEN) return `The reply: ${content}`;
  return `The reply begins: ${cutText(content, MAX_SPOKEN)} … It goes on in the conversation.`;
}

export const titleOf = (content: string): string => content.replaceAll(/\s+/g, ' ').trim();
