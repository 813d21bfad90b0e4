export { type DecodedInvoice, decodeInvoice, invoiceExpiresAt } from './bolt11.ts';
export { checkWalletUrl, openWallet, type OpenWalletOptions } from './open.ts';
export type { Delivery } from './settlement-push.ts';
export {
  openSimulatedWallet,
  type SimulatedPayment,
  type SimulatedPaymentOptions,
  SimulatedWallet,
  type SimulatedWalletOptions,
} from './simulated.ts';
export type { InvoiceState, NewInvoice, Wallet, WalletInvoice } from './wallet.ts';
