import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { satsToMsat } from '@timmy-tower/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openSimulatedWallet } from '../src/simulated.ts';

const script = fileURLToPath(new URL('pay-process.ts', import.meta.url));
const newInvoice = { amountSats: 1000, memo: 'Timmy', expirySeconds: 600 };

interface PayProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: string[];
}

let directory: string;
const started: PayProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'timmy-tower-processes-'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map(({ child }) => kill(child)));
  await rm(directory, { recursive: true });
});

function startPayProcess(): PayProcess {
  const child = spawn(process.execPath, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  // A killed process leaves its input broken.
  child.stdin.on('error', () => undefined);
  started.push({ child, lines });
  return { child, lines };
}

async function kill(child: PayProcess['child']): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

function paidHashes(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('paid ')).map((line) => line.slice('paid '.length));
}

describe('simulated wallets in processes of their own', () => {
  test('are one node that takes each payment once, even when they start and pay at the same time', async () => {
    const processes = [startPayProcess(), startPayProcess(), startPayProcess()];
    await expect.poll(() => processes.map(({ lines }) => lines.length)).toEqual([1, 1, 1]);
    const wallet = await openSimulatedWallet({ directory });
    expect(new Set(processes.map(({ lines }) => lines[0]))).toEqual(new Set([`node ${wallet.nodeId}`]));

    const invoices = await Promise.all(Array.from({ length: 20 }, () => wallet.createInvoice(newInvoice)));
    for (const { child } of processes) child.stdin.end(invoices.map(({ bolt11 }) => `${bolt11}\n`).join(''));
    await Promise.all(processes.map(({ child }) => once(child, 'close')));

    const outcomes = processes.flatMap(({ lines }) => lines.slice(1));
    expect(paidHashes(outcomes).toSorted()).toEqual(invoices.map(({ paymentHash }) => paymentHash).toSorted());
    expect(outcomes.filter((line) => line.includes('already paid'))).toHaveLength(40);
  });

  test('killed at any moment leave every invoice either paid in full or still to be paid', async () => {
    const wallet = await openSimulatedWallet({ directory });
    const invoices = await Promise.all(Array.from({ length: 100 }, () => wallet.createInvoice(newInvoice)));
    const { child, lines } = startPayProcess();
    const asked = invoices.slice(0, 90); // it may be through with all of them before it is killed
    child.stdin.write(asked.map(({ bolt11 }) => `${bolt11}\n`).join(''));
    await expect.poll(() => paidHashes(lines).length, { interval: 1 }).toBeGreaterThan(10);
    await kill(child);

    const states = await Promise.all(invoices.map(({ paymentHash }) => wallet.lookupInvoice(paymentHash)));
    const settled = invoices.filter((_, index) => states[index]?.state === 'settled');
    const pending = invoices.filter((_, index) => states[index]?.state === 'pending');
    expect(settled.length + pending.length).toBe(100);
    expect(pending.length).toBeGreaterThan(0);
    expect(settled.map(({ paymentHash }) => paymentHash)).toEqual(expect.arrayContaining(paidHashes(lines)));

    for (const { bolt11 } of settled) await expect(wallet.pay(bolt11)).rejects.toThrow('already paid');
    for (const { bolt11 } of pending) await wallet.pay(bolt11);
    for (const { paymentHash } of invoices) {
      expect(await wallet.lookupInvoice(paymentHash)).toEqual({ state: 'settled', receivedMsat: satsToMsat(1000) });
    }
    const files = await readdir(join(directory, 'settled'));
    expect(files.filter((file) => !file.endsWith('.draft'))).toHaveLength(100);
  });
});
