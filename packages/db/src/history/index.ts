export type { HistoryDatabase } from './database.ts';
export { HistoryError, type HistoryErrorCode } from './error.ts';
export type { NewMessage } from './message.ts';
export type { MessagesPage, MessagesPageOptions } from './page.ts';
export {
  appendMessage,
  forgetMessages,
  getSessionHistory,
  type HistoryOptions,
  listMessages,
  type Message,
} from './store.ts';
export { type SessionId, type SessionMessagesTable, sessionMessagesTable, type SessionsTable } from './table.ts';
export { heuristicTokens } from './tokens.ts';
export type { HistoryMessage } from './window.ts';
