import { join } from 'node:path';

import { openSimulatedWallet } from './simulated.ts';
import type { Wallet } from './wallet.ts';

export interface OpenWalletOptions {
  /** Where a wallet that keeps files has a folder of its own. */
  readonly dataDirectory: string;
  /** Whether the money is meant to be real. */
  readonly production: boolean;
}

const ALLOW_PRODUCTION = 'allow-production';
const SUPPORTED = `Supported: "simulated:" and "simulated:?${ALLOW_PRODUCTION}".`;

/**
 * Opens the wallet that a URL names. Errors repeat nothing of the URL: it may hold credentials.
 * @throws {RangeError} as `checkWalletUrl`
 */
export async function openWallet(url: string, { dataDirectory, production }: OpenWalletOptions): Promise<Wallet> {
  checkWalletUrl(url, { production });
  return openSimulatedWallet({ directory: join(dataDirectory, 'simulated-wallet') });
}

/**
 * Opens nothing, and repeats nothing of the URL.
 * @throws {RangeError} when no wallet is meant by the URL, or one that must not run in production
 */
export function checkWalletUrl(url: string, { production }: Pick<OpenWalletOptions, 'production'>): void {
  const parsed = URL.parse(url);
  if (parsed === null) throw new RangeError(`WALLET_URL is not a URL. ${SUPPORTED}`);
  switch (parsed.protocol) {
    case 'simulated:':
      return checkSimulated(parsed, production);
    default:
      throw new RangeError(`WALLET_URL names a kind of wallet that is not known. ${SUPPORTED}`);
  }
}

function checkSimulated(url: URL, production: boolean): void {
  const parameters = [...url.searchParams];
  const known = parameters.every(([name, value]) => name === ALLOW_PRODUCTION && value === '');
  if (!known || url.host !== '' || url.pathname !== '' || url.hash !== '') {
    throw new RangeError(`WALLET_URL asks the simulated wallet for something that it does not have. ${SUPPORTED}`);
  }
  if (production && parameters.length === 0) {
    throw new RangeError(
      'The simulated wallet takes no real money, so it does not start in production: set WALLET_URL to a real wallet, ' +
        `or to "simulated:?${ALLOW_PRODUCTION}" if every conversation is meant to be free.`,
    );
  }
}
