export { type EarlierMessage, type EarlierMessages, listEarlierMessages } from './earlier-messages.ts';
export { closeDefaultDatabase, defaultDatabase } from './default-database.ts';
export { appendMessage, forgetMessages, getSessionHistory, listMessages, type StoredMessagesPage } from './history.ts';
export { HistoryError, type HistoryErrorCode } from './history/error.ts';
export type { NewMessage } from './history/message.ts';
export type { MessagesPageOptions } from './history/page.ts';
export {
  addInvoice,
  claimInvoicesToLookUp,
  creditPayment,
  type CreditOutcome,
  listPayableInvoices,
  listWatchedInvoices,
  type NewSessionInvoice,
  type PayableInvoice,
  type StoredInvoice,
  type WatchedInvoice,
} from './invoices.ts';
export { findInvoiceByKey, type KeyedInvoice, keyInvoice } from './invoice-keys.ts';
export { checkWritable } from './health.ts';
export { type RenewedLease, renewLeases, requestCancel, sweepLeases } from './leases.ts';
export { type EstimatedTurn, type EstimateOutcome, type EstimateTurn, estimateTurn } from './estimate-turn.ts';
export {
  type Discrepancy,
  type LedgerEntry,
  type LedgerPage,
  type LedgerPageOptions,
  listDiscrepancies,
  listLedger,
  listLedgerPage,
} from './ledger.ts';
export { openDatabase, type OpenedDatabase, type OpenOptions } from './open.ts';
export { isConnectionLost, sqlState, toAppError, unlessLocked } from './pg-error.ts';
export { findRequest, findRequestByKey, type KeyedRequest, type StoredRequest } from './requests.ts';
export {
  invoices,
  ledgerEntries,
  type SessionMessage,
  sessionKeys,
  sessionMessages,
  sessionRequests,
  sessions,
} from './schema.ts';
export {
  createHistorySession,
  expireIdleSessions,
  findKeys,
  findSession,
  insertSession,
  type KeyOfSession,
  listSessions,
  listSessionVersions,
  type NewSession,
  removeUnpaidSessions,
  type StoredSession,
} from './sessions.ts';
export { TIME_LIMITS_MS } from './time-limits.ts';
export { heuristicTokens } from './history/tokens.ts';
export type { HistoryMessage } from './history/window.ts';
export { type Database, type Db, inTransaction, type Tx } from './transaction.ts';
export {
  type CountedText,
  type ReleaseTurn,
  releaseTurn,
  type SettledTurn,
  type SettleTurn,
  settleTurn,
} from './end-turn.ts';
export {
  type HistoryBounds,
  type IdempotentTurn,
  type MessagePlace,
  type Recallable,
  type ReservedTurn,
  type ReserveOutcome,
  type ReserveTurn,
  reserveTurn,
  type ShownHistory,
  type TurnId,
  type TurnTerms,
} from './reserve-turn.ts';
export { unknownUrlOptions } from './url-options.ts';
