import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { satsToMsat } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { signWords } from '../test/sign-words.ts';
import { decodeInvoice } from './bolt11.ts';
import { openSimulatedKeys } from './simulated-keys.ts';
import { openSimulatedWallet, type SimulatedWallet, type SimulatedWalletOptions } from './simulated.ts';
import { walletSuite } from './wallet-suite.ts';

const newInvoice = { amountSats: 1000, memo: 'Timmy', expirySeconds: 60 };

let root: string;
let directory: string;
const opened: SimulatedWallet[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'timmy-tower-wallet-'));
  directory = join(root, 'data', 'wallet');
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map((wallet) => wallet.close()));
  await rm(root, { recursive: true });
});

async function open(options: Partial<SimulatedWalletOptions> = {}): Promise<SimulatedWallet> {
  const wallet = await openSimulatedWallet({ directory, ...options });
  opened.push(wallet);
  return wallet;
}

function listenTo(wallet: SimulatedWallet) {
  const listener = vi.fn<(paymentHash: string) => void>();
  wallet.onSettled(listener);
  return listener;
}

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

function refusal(message: string) {
  return expect.objectContaining({
    name: 'AppError',
    code: 'invalid-request',
    message: expect.stringContaining(message),
  });
}

walletSuite('the simulated wallet', {
  open,
  pay: async (wallet, bolt11) => {
    await wallet.pay(bolt11, { receivedMsat: 1_234_567n });
    return 1_234_567n;
  },
  takeDown: (wallet) => wallet.simulateOutage(true),
});

describe('paying the simulated wallet', () => {
  test('gives the preimage of the payment hash', async () => {
    const wallet = await open();
    const invoice = await wallet.createInvoice(newInvoice);
    const { preimage, paymentHash } = await wallet.pay(invoice.bolt11);
    expect(paymentHash).toBe(invoice.paymentHash);
    expect(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')).toBe(paymentHash);
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'settled', receivedMsat: satsToMsat(1000) });
  });

  test('takes an invoice in upper case, as QR codes hold it', async () => {
    const wallet = await open();
    const invoice = await wallet.createInvoice(newInvoice);
    await wallet.pay(invoice.bolt11.toUpperCase());
    await expect(wallet.pay(invoice.bolt11)).rejects.toEqual(refusal('already paid'));
  });

  test('of one invoice ten times at once from two servers succeeds exactly once', async () => {
    const wallets = [await open(), await open()];
    const { bolt11 } = await wallets[0]!.createInvoice(newInvoice);
    const payments = Array.from({ length: 10 }, (_, index) => wallets[index % 2]!.pay(bolt11));
    const outcomes = await Promise.allSettled(payments);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes.filter((each) => each.status === 'rejected')) {
      expect(outcome.reason).toEqual(refusal('already paid'));
    }
  });

  test('of an invoice that another wallet signed is refused', async () => {
    const wallet = await open();
    const stranger = await open({ directory: join(root, 'stranger') });
    const { bolt11, paymentHash } = await stranger.createInvoice(newInvoice);
    await expect(wallet.pay(bolt11)).rejects.toEqual(refusal('not made by this simulated wallet'));
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'pending' });
  });

  test('of an invoice for another network is refused, even signed with our key', async () => {
    const wallet = await open();
    const keys = await openSimulatedKeys(join(directory, 'seed'));
    const zeros = Array.from({ length: 52 }, () => 0);
    const words = [1, 1, 1, 1, 1, 1, 1, 1, 1, 20, ...zeros, 16, 1, 20, ...zeros];
    const bolt11 = signWords('lnbc10u', words, keys.nodeKey());
    expect(decodeInvoice(bolt11).nodeId).toBe(wallet.nodeId);
    await expect(wallet.pay(bolt11, { ignoreExpiry: true })).rejects.toEqual(refusal('not for regtest'));
  });

  test('of an expired invoice is refused, unless the payment was under way', async () => {
    let now = new Date('2026-11-24T12:00:00.500Z');
    const wallet = await open({ now: () => now });
    const { bolt11, paymentHash, expiresAt } = await wallet.createInvoice(newInvoice);
    expect(expiresAt).toEqual(new Date('2026-11-24T12:01:00Z'));
    now = expiresAt;
    await expect(wallet.pay(bolt11)).rejects.toEqual(refusal('expired at 2026-11-24T12:01:00.000Z'));
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'pending' });
    await wallet.pay(bolt11, { ignoreExpiry: true });
    expect(await wallet.lookupInvoice(paymentHash)).toMatchObject({ state: 'settled' });
  });

  test('until the last moment before expiry is fine', async () => {
    let now = new Date('2026-11-24T12:00:00Z');
    const wallet = await open({ now: () => now });
    const { bolt11, expiresAt } = await wallet.createInvoice(newInvoice);
    now = new Date(expiresAt.getTime() - 1);
    await expect(wallet.pay(bolt11)).resolves.toHaveProperty('preimage');
  });

  test('with something that is no invoice is refused', async () => {
    const wallet = await open();
    await expect(wallet.pay('hello')).rejects.toEqual(refusal('That is not a BOLT11 invoice'));
  });

  test('nothing at all is refused', async () => {
    const wallet = await open();
    const { bolt11, paymentHash } = await wallet.createInvoice(newInvoice);
    await expect(wallet.pay(bolt11, { receivedMsat: 0n })).rejects.toThrow(RangeError);
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'pending' });
  });
});

describe('the push of a settlement', () => {
  test('comes as often as it is told to, or not at all', async () => {
    const wallet = await open();
    const listener = listenTo(wallet);
    const deliveries = ['once', 'twice', 'never'] as const;
    for (const [index, delivery] of deliveries.entries()) {
      const { bolt11, paymentHash } = await wallet.createInvoice(newInvoice);
      await wallet.pay(bolt11, { delivery });
      const calls = listener.mock.calls.filter(([hash]) => hash === paymentHash);
      expect(calls).toHaveLength([1, 2, 0][index]!);
      expect(await wallet.lookupInvoice(paymentHash)).toMatchObject({ state: 'settled' });
    }
  });

  test('does not reach a listener that another one has just stopped', async () => {
    const wallet = await open();
    wallet.onSettled(() => stop());
    const stopped = vi.fn<(paymentHash: string) => void>();
    const stop = wallet.onSettled(stopped);
    const { bolt11 } = await wallet.createInvoice(newInvoice);
    await wallet.pay(bolt11);
    expect(stopped).not.toHaveBeenCalled();
  });

  test('can be late, or late by default', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const wallet = await open({ delivery: 'late', lateMs: 5000 });
    const listener = listenTo(wallet);
    const first = await wallet.createInvoice(newInvoice);
    const second = await wallet.createInvoice(newInvoice);
    await wallet.pay(first.bolt11);
    await wallet.pay(second.bolt11, { lateMs: 7000 });
    await vi.advanceTimersByTimeAsync(4999);
    expect(listener).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(listener.mock.calls).toEqual([[first.paymentHash]]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(listener.mock.calls).toEqual([[first.paymentHash], [second.paymentHash]]);
  });

  test('that is still to come is cancelled by closing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const wallet = await open();
    const listener = listenTo(wallet);
    const { bolt11 } = await wallet.createInvoice(newInvoice);
    await wallet.pay(bolt11, { delivery: 'late' });
    expect(vi.getTimerCount()).toBe(1);
    await wallet.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(listener).not.toHaveBeenCalled();
  });

  test('is lost in an outage, and looking the invoice up shows the payment afterwards', async () => {
    const wallet = await open();
    const listener = listenTo(wallet);
    const { bolt11, paymentHash } = await wallet.createInvoice(newInvoice);
    wallet.simulateOutage(true);
    await wallet.pay(bolt11);
    wallet.simulateOutage(false);
    expect(await wallet.lookupInvoice(paymentHash)).toMatchObject({ state: 'settled' });
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('the directory of a simulated wallet', () => {
  test('keeps the node and its payments over a restart', async () => {
    const before = await open();
    const paid = await before.createInvoice(newInvoice);
    const unpaid = await before.createInvoice(newInvoice);
    await before.pay(paid.bolt11, { receivedMsat: 999n });
    await before.close();

    const after = await open();
    expect(after.nodeId).toBe(before.nodeId);
    expect(await after.lookupInvoice(paid.paymentHash)).toEqual({ state: 'settled', receivedMsat: 999n });
    expect((await after.pay(unpaid.bolt11)).paymentHash).toBe(unpaid.paymentHash);
  });

  test('gets one seed when many wallets open at once', async () => {
    const wallets = await Promise.all(Array.from({ length: 10 }, () => open()));
    expect(new Set(wallets.map((wallet) => wallet.nodeId)).size).toBe(1);
    expect(await readdir(directory)).toEqual(expect.arrayContaining(['seed', 'settled']));
    expect(await readdir(directory)).toHaveLength(2);
  });

  test('is closed to other users, while its parent is not', async () => {
    await open();
    expect(await mode(join(directory, 'seed'))).toBe(0o600);
    expect(await mode(directory)).toBe(0o700);
    expect(await mode(join(root, 'data'))).toBe(0o777 & ~process.umask());
  });

  test('holds nothing but the fact of a payment', async () => {
    const wallet = await open();
    const { bolt11, paymentHash } = await wallet.createInvoice(newInvoice);
    expect(await readdir(join(directory, 'settled'))).toEqual([]);
    await wallet.pay(bolt11);
    expect(await readdir(join(directory, 'settled'))).toEqual([paymentHash]);
    expect(await readFile(join(directory, 'settled', paymentHash), 'utf8')).toBe('1000000');
  });

  test('left by a kill in the middle of a payment has the invoice still to be paid', async () => {
    const wallet = await open();
    const { bolt11, paymentHash } = await wallet.createInvoice(newInvoice);
    await writeFile(join(directory, 'settled', `${paymentHash}.0.draft`), '10');
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'pending' });
    await wallet.pay(bolt11);
    expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'settled', receivedMsat: satsToMsat(1000) });
  });

  test('that is damaged is named, and what it holds is not repeated', async () => {
    const wallet = await open();
    const { paymentHash } = await wallet.createInvoice(newInvoice);
    await writeFile(join(directory, 'settled', paymentHash), '');
    await expect(wallet.lookupInvoice(paymentHash)).rejects.toThrow('does not hold what was received');
    await writeFile(join(directory, 'seed'), 's3cret');
    await expect(open()).rejects.toThrow(/seed is not the seed(?!.*s3cret)/);
  });

  test('that is gone makes the wallet unhealthy', async () => {
    const wallet = await open();
    await wallet.checkHealth();
    await rm(directory, { recursive: true });
    await expect(wallet.checkHealth()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('only a payment hash can be looked up', async () => {
  const wallet = await open();
  for (const hash of ['', '../seed', 'AB'.repeat(32), 'ab'.repeat(31), `${'ab'.repeat(32)}\n`]) {
    expect(await wallet.lookupInvoice(hash)).toEqual({ state: 'unknown' });
  }
});

test('a wallet shows neither its seed nor a preimage when it is printed', async () => {
  const wallet = await open();
  const { bolt11 } = await wallet.createInvoice(newInvoice);
  const { preimage } = await wallet.pay(bolt11);
  const seed = await readFile(join(directory, 'seed'), 'utf8');
  const error: unknown = await wallet.pay(bolt11).catch((fault: unknown) => fault);
  const printed = inspect([wallet, error], { depth: 10, showHidden: true }) + JSON.stringify([wallet, error]);
  expect(printed).toContain(wallet.nodeId);
  expect(printed).not.toContain(preimage);
  expect(printed).not.toContain(seed);
});

test('a closed wallet is unavailable', async () => {
  const wallet = await open();
  await wallet.close();
  await expect(wallet.createInvoice(newInvoice)).rejects.toMatchObject({ code: 'unavailable' });
});
