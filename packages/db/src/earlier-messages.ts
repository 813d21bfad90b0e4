/** What lies before a turn's window, for recall. Read outside every lock: the running request keeps it from being forgotten. */
import type { HistoryMessage } from './history/window.ts';
import type { Recallable } from './reserve-turn.ts';
import { type Db, queryPrepared, withRetry } from './transaction.ts';

/** More is not looked through for one turn, however long the conversation. */
const MAX_MESSAGES = 5000;
const MAX_TOKENS = 250_000;
/** Of a conversation that begins with silence, no more than this is passed over for the message that opened it. */
const MAX_PASSED_OVER = 1000;

export interface EarlierMessage extends HistoryMessage {
  readonly tokenCount: number;
  readonly promptTokens: number;
  readonly createdAt: Date;
}

export interface EarlierMessages {
  /** The user's message that the conversation began with; undefined when it lies in the window. */
  readonly opening: EarlierMessage | undefined;
  /** The newest before the window, oldest first; of turns that are kept out of prompts, none. */
  readonly messages: readonly EarlierMessage[];
}

interface EarlierRow {
  readonly is_opening: boolean;
  readonly role: HistoryMessage['role'];
  readonly content: string;
  readonly token_count: number;
  readonly prompt_tokens: number;
  readonly created_ms: number;
}

/** Five thousand times as text take as long to parse as all else of them. */
const EPOCH_MS = '(extract(epoch FROM created_at) * 1000)::float8';

/** A content is read where it is shown: what is passed over for its length stays on disk. */
const earlierStatement = {
  name: 'earlier_messages',
  text: `
    (SELECT true AS is_opening, role, content, token_count, prompt_tokens, ${EPOCH_MS} AS created_ms FROM (
      SELECT role, content, token_count, prompt_tokens, in_prompts, created_at, seq FROM session_messages
      WHERE session_id = $1 AND (created_at, seq) < ($2::timestamptz, $3::bigint)
      ORDER BY created_at, seq LIMIT $6
    ) oldest WHERE role = 'user' AND in_prompts AND content ~ '\\S' ORDER BY created_at, seq LIMIT 1)
    UNION ALL
    (SELECT false, role, content, token_count, prompt_tokens, ${EPOCH_MS} FROM (
      SELECT n.*, sum(n.token_count) OVER (ORDER BY n.created_at DESC, n.seq DESC ROWS UNBOUNDED PRECEDING) AS tokens_so_far
      FROM (
        SELECT role, content, token_count, prompt_tokens, in_prompts, created_at, seq FROM session_messages
        WHERE session_id = $1 AND (created_at, seq) < ($2::timestamptz, $3::bigint)
        ORDER BY created_at DESC, seq DESC LIMIT $4
      ) n
    ) newest WHERE tokens_so_far <= $5 AND in_prompts AND content ~ '\\S' ORDER BY created_at, seq)`,
};

/** @throws {AppError} `unavailable` when others are in the way for too long */
export async function listEarlierMessages(
  db: Db,
  { sessionId, before }: { readonly sessionId: string } & Pick<Recallable, 'before'>,
): Promise<EarlierMessages> {
  const params = [sessionId, before.createdAt, before.seq, MAX_MESSAGES, MAX_TOKENS, MAX_PASSED_OVER];
  const rows = await withRetry(db, () => queryPrepared<EarlierRow>(db, earlierStatement, params));
  const opening = rows.find((row) => row.is_opening);
  return { opening: opening && toMessage(opening), messages: rows.filter((row) => !row.is_opening).map(toMessage) };
}

const toMessage = ({ role, content, token_count, prompt_tokens, created_ms }: EarlierRow): EarlierMessage => ({
  role,
  content,
  tokenCount: token_count,
  promptTokens: prompt_tokens,
  createdAt: new Date(created_ms),
});
