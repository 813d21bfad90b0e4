/** What the package can do with a session's messages, each beside what the model says to it. */
import type { MessageRole } from '@timmy-tower/contract';
import { eq, sql } from 'drizzle-orm';

import { appendMessage, forgetMessages, getSessionHistory, listMessages } from '../src/history.ts';
import { sessionMessages, sessions } from '../src/schema.ts';
import { type Database, inTransaction } from '../src/transaction.ts';
import { DAY_MS } from './fixtures.ts';
import * as model from './model.ts';
import type { PlannedTurn, SessionModel } from './model.ts';
import { type Action, action } from './model-actions.ts';

export interface AppendedMessage {
  readonly role: MessageRole;
  readonly content: string;
}

const appended = ({ role, content }: AppendedMessage) =>
  ({ role, content, promptTokens: 0, inPrompts: true, requestId: null }) as const;

/** All of them in one transaction, in which now() stands still. */
export function append(session: SessionModel, messages: readonly AppendedMessage[]): Action {
  return action(
    session,
    (database, sessionId) =>
      inTransaction(database, async (tx) => {
        for (const message of messages) await appendMessage(tx, { sessionId, ...message });
      }),
    (appending) => {
      for (const message of messages) model.say(appending, appended(message));
      appending.idle = false;
    },
  );
}

const TODAY = Date.now();

/**
 * A message that brings its own time along: one from elsewhere, or said when the clock went ahead. Later than what was said
 * that day, as each writer has to make it.
 */
export function bringIn(session: SessionModel, message: AppendedMessage, day: number): Action {
  return action(
    session,
    (database, sessionId) =>
      inTransaction(database, async (tx) => {
        const messageCount = sql`${sessions.messageCount} + 1`;
        await tx.update(sessions).set({ messageCount }).where(eq(sessions.id, sessionId));
        const tokenCount = model.tokensOf(message.content);
        const midday = sql`${new Date(TODAY + day * DAY_MS).toISOString()}::timestamptz`;
        const createdAt = sql`(SELECT greatest(${midday}, max(created_at) + interval '1 microsecond') FROM session_messages
          WHERE session_id = ${sessionId} AND created_at < ${midday} + interval '12 hours')`;
        await tx.insert(sessionMessages).values({ sessionId, ...message, tokenCount, createdAt });
      }),
    (bringing) => model.say(bringing, appended(message), day),
  );
}

export function forget(session: SessionModel): Action {
  return action(session, (database, sessionId) => forgetMessages(database, sessionId), model.forget);
}

export function readHistory(session: SessionModel, bounds: PlannedTurn['history']): Action {
  return action(
    session,
    (database, sessionId) => getSessionHistory(sessionId, bounds.maxMessages, bounds.tokenBudget, database),
    ({ messages }) => model.windowOf(messages, bounds).map(({ role, content }) => ({ role, content })),
  );
}

/** Page by page, to the end. */
export function listAll(session: SessionModel, limit: number, order: 'asc' | 'desc'): Action {
  return action(
    session,
    (database, sessionId) => readPages(database, { sessionId, limit, order }),
    ({ messages }) => {
      const contents = messages.map((message) => message.content);
      const inOrder = order === 'asc' ? contents : contents.toReversed();
      const pages = Math.max(1, Math.ceil(contents.length / limit));
      return Array.from({ length: pages }, (_, page) => inOrder.slice(page * limit, (page + 1) * limit));
    },
  );
}

async function readPages(
  database: Database,
  options: { sessionId: string; limit: number; order: 'asc' | 'desc' },
): Promise<string[][]> {
  const pages: string[][] = [];
  let after: string | undefined;
  for (let hasMore = true; hasMore;) {
    const page = await listMessages(database, { ...options, after });
    if (!page) throw new Error('the last message of a page is no message of the session');
    pages.push(page.messages.map((message) => message.content));
    after = page.messages.at(-1)?.id;
    hasMore = page.hasMore;
  }
  return pages;
}
