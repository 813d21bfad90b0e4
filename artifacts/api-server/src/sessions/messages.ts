import { AppError, type MessagesPage, type MessagesQuery } from '@timmy-tower/contract';
import { forgetMessages, listMessages } from '@timmy-tower/db';

import type { Deps } from '../deps.ts';
import { toMessage } from './answers.ts';
import { conversationBusy } from './refuse-turn.ts';

/** One page of a conversation. @throws {AppError} `invalid-request` when `after` is no message of it */
export async function readMessages({ db }: Deps, sessionId: string, query: MessagesQuery): Promise<MessagesPage> {
  const page = await listMessages(db, { sessionId, ...query });
  if (!page) {
    const message = 'is no message of this session (it may have been forgotten): start again without it';
    throw new AppError('invalid-request', `after ${message}.`, { fields: { errors: [{ path: 'after', message }] } });
  }
  return { messages: page.messages.map(toMessage), hasMore: page.hasMore };
}

/** Forgets a conversation; balance and charges stay. @throws {AppError} `conversation-busy` while a turn runs */
export async function forgetConversation({ db, queues }: Deps, sessionId: string): Promise<void> {
  const { busyWith } = await queues.locking.run(sessionId, () => forgetMessages(db, sessionId));
  if (busyWith) throw conversationBusy(busyWith);
}
