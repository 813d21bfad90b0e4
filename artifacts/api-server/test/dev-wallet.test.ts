/** The simulated payment answers once it has been credited, as far as the wallet tells of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Problem } from '@timmy-tower/contract';
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { openSimulatedWallet, type SimulatedWalletOptions } from '@timmy-tower/lightning';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApp, type TestApp, until } from './harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function withWallet(
  options: Omit<SimulatedWalletOptions, 'directory'>,
  use: (server: TestApp) => Promise<void>,
  watch = true,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-wallet-'));
  const wallet = await openSimulatedWallet({ directory, ...options });
  const server = await openTestApp({ wallet, database, watch });
  await use(server);
  await server.close();
  await wallet.close();
  await rm(directory, { recursive: true });
}

const pay = (server: TestApp, bolt11: string) =>
  server.call<Problem>('/dev/wallet/pay', { json: { bolt11 } }).then(({ status, body }) => [status, body.code]);

describe('POST /dev/wallet/pay', () => {
  test.each(['once', 'twice'] as const)('answers when the session is funded: delivered %s', async (delivery) => {
    await withWallet({ delivery }, async (server) => {
      for (let n = 0; n < 10; n += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const session = await server.open(100);
        // oxlint-disable-next-line no-await-in-loop
        expect(await pay(server, session.invoice.bolt11)).toEqual([200, undefined]);
        // oxlint-disable-next-line no-await-in-loop
        expect(await session.show()).toMatchObject({ status: 'active', balanceMsat: 100_000 });
      }
    });
  });

  test('answers when it is funded, though nobody else watches', async () => {
    await withWallet(
      {},
      async (server) => {
        const session = await server.open(100);
        expect(await pay(server, session.invoice.bolt11)).toEqual([200, undefined]);
        expect(await session.show()).toMatchObject({ status: 'active', balanceMsat: 100_000 });
      },
      false,
    );
  });

  test.each(['late', 'never'] as const)('credits nothing by itself where the wallet tells %s', async (delivery) => {
    await withWallet(
      { delivery, lateMs: 60_000 },
      async (server) => {
        const session = await server.open(100);
        expect(await pay(server, session.invoice.bolt11)).toEqual([200, undefined]);
        expect(await session.show()).toMatchObject({ status: 'awaiting_payment' });
      },
      false,
    );
  });

  test('answers though the credit has to wait, and it is credited then', async () => {
    await withWallet({}, async (server) => {
      const session = await server.open(100);
      const lock = await server.deps.db.$client.connect();
      await lock.query('BEGIN');
      await lock.query('SELECT FROM sessions WHERE id = $1 FOR NO KEY UPDATE', [session.id]);
      const paying = pay(server, session.invoice.bolt11);
      await until(async () => {
        const { state } = await server.wallet.lookupInvoice(session.invoice.paymentHash);
        return state === 'settled';
      });
      await lock.query('ROLLBACK');
      lock.release();
      expect(await paying).toEqual([200, undefined]);
      await until(async () => (await session.show()).status === 'active');
    });
  });
});
