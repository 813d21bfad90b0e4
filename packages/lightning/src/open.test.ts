import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openWallet } from './open.ts';
import { SimulatedWallet } from './simulated.ts';

let dataDirectory: string;

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'timmy-tower-open-'));
});

afterEach(() => rm(dataDirectory, { recursive: true }));

describe('opening a wallet', () => {
  test.each([
    ['simulated:', false],
    ['simulated:?allow-production', false],
    ['simulated:?allow-production', true],
  ])('%s with production %s gives the simulated wallet, in a folder of its own', async (url, production) => {
    const wallet = await openWallet(url, { dataDirectory, production });
    expect(wallet).toBeInstanceOf(SimulatedWallet);
    expect(await readdir(dataDirectory)).toEqual(['simulated-wallet']);
    await wallet.close();
  });

  test('is refused in production when no real money would move', async () => {
    const opening = openWallet('simulated:', { dataDirectory, production: true });
    await expect(opening).rejects.toThrow(RangeError);
    await expect(opening).rejects.toThrow(/set WALLET_URL to .*simulated:\?allow-production/);
    expect(await readdir(dataDirectory)).toEqual([]);
  });

  test.each([
    'lightningd://alice:s3cret@node',
    's3cret:hunter2@node',
    'simulated://alice:s3cret@node',
    'simulated:s3cret',
    'simulated:?token=s3cret',
    'simulated:?s3cret',
    'simulated:?allow-production=s3cret',
    'simulated:#s3cret',
    's3cret',
    '',
  ])('names what is supported and no secret when asked for %j', async (url) => {
    const error: unknown = await openWallet(url, { dataDirectory, production: false }).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(RangeError);
    expect(String(error)).toContain('Supported: "simulated:"');
    expect(String(error)).not.toMatch(/s3cret|alice|hunter2/);
  });
});
