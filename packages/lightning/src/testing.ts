export { walletSuite, type WalletSuiteOptions } from './wallet-suite.ts';
