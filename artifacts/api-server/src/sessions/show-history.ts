/**
 * What a turn shows the model of what was said before: the window that was reserved, its oldest turn cut to what it may have,
 * and what is recalled from before it. No lock is held meanwhile: the running request keeps the conversation as it is.
 */
import { inSlices, type Prompt, type Recalled } from '@timmy-tower/agent';
import { heuristicTokens, listEarlierMessages, type ReservedTurn, type ShownHistory } from '@timmy-tower/db';
import {
  clipTurn,
  recall,
  type RecallableMessage,
  type Recalled as RecalledMessages,
  renderBlock,
  toTurns,
} from '@timmy-tower/memory';

import type { Deps } from '../deps.ts';
import type { BegunTurn } from './take-turn.ts';

/** Of text that the budget undercounts (Chinese, emoji), as much is recalled as was set aside for it. */
const PROMPT_TOKENS_PER_RECALLED = 3;

export interface ShownPrompt {
  readonly prompt: Prompt;
  readonly shown: ShownHistory;
}

/**
 * @throws {AppError} `unavailable`
 * @throws {TurnStopped} when it was stopped meanwhile: nothing was asked of the model yet
 */
export async function showHistory(deps: Deps, turn: BegunTurn): Promise<ShownPrompt> {
  const { reserved, body, running } = turn;
  const window = clipWindow(reserved);
  const { messages, clipped } = await recallFor(deps, turn);
  running.signal.throwIfAborted();
  const { shown } = reserved;
  return {
    prompt: { history: window.history, recalled: toRecalled(messages), message: body.content },
    shown: {
      messages: shown.messages + messages.length,
      tokens: window.tokens + messages.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
      dropped: Math.max(0, shown.dropped - messages.length),
      recalled: messages.length,
      clipped: shown.clipped || clipped,
    },
  };
}

/** The database has decided how many tokens the oldest turn may have. */
function clipWindow({
  history,
  clipTokens,
  shown,
}: ReservedTurn): Pick<Prompt, 'history'> & { readonly tokens: number } {
  if (clipTokens === undefined) return { history, tokens: shown.tokens };
  const counted = history.map((message) => ({ ...message, tokenCount: heuristicTokens(message.content) }));
  const [oldest = [], ...whole] = toTurns(counted);
  const cut = clipTurn(oldest, clipTokens);
  const cutTokens = cut.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  return {
    history: [...cut, ...whole.flat()].map(({ role, content }) => ({ role, content })),
    tokens: shown.tokens - clipTokens + cutTokens,
  };
}

async function recallFor(
  { db, queues }: Deps,
  { sessionId, reserved: { recallable }, body }: BegunTurn,
): Promise<RecalledMessages> {
  if (!recallable) return { messages: [], clipped: false };
  const { before, tokens } = recallable;
  return queues.recalling.run(sessionId, async () => {
    const { opening, messages } = await listEarlierMessages(db, { sessionId, before });
    const bounds = { tokens, promptTokens: PROMPT_TOKENS_PER_RECALLED * tokens };
    return inSlices(recall({ before: messages, opening, question: body.content, ...bounds }));
  });
}

function toRecalled(messages: readonly RecallableMessage[]): Recalled | undefined {
  if (messages.length === 0) return undefined;
  return { messages: messages.map(({ role, content }) => ({ role, content })), block: renderBlock(messages) };
}
