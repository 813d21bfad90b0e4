import { createHash } from 'node:crypto';

import { type Problem, simulatedPaymentSchema, type TopUp } from '@timmy-tower/contract';
import { listLedger } from '@timmy-tower/db';
import type { Wallet } from '@timmy-tower/lightning';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { pollPayments } from '../src/sessions/settlement.ts';
import { expectBooksBalance, openTestApp, type TestApp, type TestSession, until } from './harness.ts';

/** Watches for payments. */
let server: TestApp;
/** Another server on the same database and wallet, that notices payments only when told to. */
let blind: TestApp;
beforeAll(async () => {
  server = await openTestApp();
  blind = await openTestApp({ watch: false });
});
afterEach(async () => {
  await expectBooksBalance(server);
  await expectBooksBalance(blind);
});
afterAll(async () => {
  await server.close();
  await blind.close();
});

const depositsOf = async (at: TestApp, { id }: TestSession) =>
  (await listLedger(at.deps.db, id)).map(({ kind, amountMsat }) => [kind, amountMsat]);
const isActive = async (session: TestSession) => (await session.show()).status === 'active';

/** Resolves when the wallet has told all its listeners of this payment. */
const pushOf = (at: TestApp, paymentHash: string) =>
  new Promise<void>((resolve) => {
    const stop = at.wallet.onSettled((settled) => {
      if (settled !== paymentHash) return;
      stop();
      resolve();
    });
  });

describe('a payment is credited once', () => {
  test('when the wallet tells of it', async () => {
    const session = await server.open(321);
    await server.wallet.pay(session.invoice.bolt11, { delivery: 'once' });
    await until(() => isActive(session));
    expect(await depositsOf(server, session)).toEqual([['deposit', 321_000n]]);
  });

  test('when the wallet tells of it twice, and late, and it is looked up all the while', async () => {
    const own = await openTestApp();
    const session = await own.open(321);
    const pushed = pushOf(own, session.invoice.paymentHash);
    await own.wallet.pay(session.invoice.bolt11, { delivery: 'twice' });
    await Promise.all([pushed, ...Array.from({ length: 5 }, () => pollPayments(own.deps))]);
    await until(() => isActive(session));
    const { body } = await session.call<TopUp>('/topup', { json: { amountSats: 11 } });
    const pushedLate = pushOf(own, body.invoice.paymentHash);
    await own.wallet.pay(body.invoice.bolt11, { delivery: 'late', lateMs: 100 });
    await pollPayments(own.deps);
    expect((await session.show()).balanceMsat).toBe(332_000);
    await pushedLate;
    await until(() => own.deps.db.$client.totalCount === own.deps.db.$client.idleCount);
    expect(await depositsOf(own, session)).toEqual([
      ['deposit', 321_000n],
      ['deposit', 11_000n],
    ]);
    await expectBooksBalance(own);
    await own.close();
  });

  test('when the wallet tells of it late', async () => {
    const session = await server.open(321);
    await server.wallet.pay(session.invoice.bolt11, { delivery: 'late', lateMs: 30 });
    await until(() => isActive(session));
    expect(await depositsOf(server, session)).toEqual([['deposit', 321_000n]]);
  });

  test('when the wallet never tells of it, but is asked', async () => {
    const session = await blind.open(321);
    await blind.wallet.pay(session.invoice.bolt11, { delivery: 'never' });
    expect((await session.show()).status).toBe('awaiting_payment');
    await pollPayments(blind.deps);
    expect(await session.show()).toMatchObject({ status: 'active', balanceMsat: 321_000 });
    await pollPayments(blind.deps);
    expect(await depositsOf(blind, session)).toEqual([['deposit', 321_000n]]);
  });

  test('when several servers look it up at once', async () => {
    const session = await blind.open(321);
    const other = await openTestApp({ database: blind.database, wallet: blind.wallet, watch: false });
    await blind.wallet.pay(session.invoice.bolt11, { delivery: 'never' });
    await Promise.all(Array.from({ length: 10 }, (_, n) => pollPayments((n % 2 ? blind : other).deps)));
    await until(() => isActive(session));
    expect(await depositsOf(blind, session)).toEqual([['deposit', 321_000n]]);
    await other.close();
  });

  test('when it came while no server was running: the next one notices at its start', async () => {
    const session = await blind.open(321);
    await pollPayments(blind.deps);
    await blind.wallet.pay(session.invoice.bolt11, { delivery: 'once' });
    const restarted = await openTestApp({ database: blind.database, wallet: blind.wallet });
    await until(() => isActive(session));
    expect(await depositsOf(blind, session)).toEqual([['deposit', 321_000n]]);
    await restarted.close();
  });

  test('when the wallet was out of reach meanwhile', async () => {
    const session = await blind.open(321);
    blind.wallet.simulateOutage(true);
    await blind.wallet.pay(session.invoice.bolt11);
    await pollPayments(blind.deps);
    blind.wallet.simulateOutage(false);
    expect((await session.show()).status).toBe('awaiting_payment');
    const restarted = await openTestApp({ database: blind.database, wallet: blind.wallet });
    await until(() => isActive(session));
    expect(await depositsOf(blind, session)).toEqual([['deposit', 321_000n]]);
    await restarted.close();
  });

  test('when many pay it at once', async () => {
    const session = await server.open(321);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        server.call<Problem>('/dev/wallet/pay', { json: { bolt11: session.invoice.bolt11 } }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(7);
    for (const { body } of refused) expect(body.code).toBe('invalid-request');
    await until(() => isActive(session));
    expect(await depositsOf(server, session)).toEqual([['deposit', 321_000n]]);
  });
});

describe('what is credited', () => {
  test.each([1n, 320_999n, 321_001n, 5_000_000_000n])('is what was received: %i msat', async (receivedMsat) => {
    const session = await server.open(321);
    await server.wallet.pay(session.invoice.bolt11, { receivedMsat });
    await until(() => isActive(session));
    expect((await session.show()).balanceMsat).toBe(Number(receivedMsat));
    expect(await depositsOf(server, session)).toEqual([['deposit', receivedMsat]]);
  });

  test('is also what came after the invoice expired', async () => {
    const session = await server.open(321);
    await server.query("UPDATE invoices SET expires_at = now() - interval '1 hour' WHERE session_id = $1", [
      session.id,
    ]);
    expect((await session.show()).invoice).toMatchObject({ status: 'expired' });
    await server.wallet.pay(session.invoice.bolt11, { ignoreExpiry: true });
    await until(() => isActive(session));
    expect(await session.show()).toMatchObject({ balanceMsat: 321_000 });
  });

  test('is also what came after the lookups were given up, if the wallet tells of it', async () => {
    const session = await server.open(321);
    await server.query(
      "UPDATE invoices SET expires_at = now() - interval '3 days', next_lookup_at = NULL WHERE session_id = $1",
      [session.id],
    );
    await server.wallet.pay(session.invoice.bolt11, { ignoreExpiry: true });
    await until(() => isActive(session));
    expect(await depositsOf(server, session)).toEqual([['deposit', 321_000n]]);
  });

  test('goes to a closed session too, which stays closed', async () => {
    const session = await server.fund(100);
    const { body } = await session.call<TopUp>('/topup', { json: { amountSats: 50 } });
    await server.query("UPDATE sessions SET status = 'closed' WHERE id = $1", [session.id]);
    await server.wallet.pay(body.invoice.bolt11);
    await until(async () => (await session.show()).balanceMsat === 150_000);
    expect((await session.show()).status).toBe('closed');
  });

  test('is counted for all invoices of a session, paid together', async () => {
    const session = await server.open(100);
    const topUps = await Promise.all(
      [20, 30, 40].map((amountSats) => session.call<TopUp>('/topup', { json: { amountSats } })),
    );
    const invoices = [session.invoice, ...topUps.map(({ body }) => body.invoice)];
    expect(new Set(invoices.map(({ paymentHash }) => paymentHash)).size).toBe(4);
    await Promise.all(invoices.map(({ bolt11 }) => server.wallet.pay(bolt11, { delivery: 'twice' })));
    await until(async () => (await session.show()).balanceMsat === 190_000);
    expect(await depositsOf(server, session)).toHaveLength(4);
  });
});

describe('the simulated wallet’s route', () => {
  const pay = (json: unknown, at = server) => at.call<Problem>('/dev/wallet/pay', { json });

  test('pays, and gives a preimage that hashes to the payment hash', async () => {
    const session = await server.open(100);
    const { status, body } = await pay({ bolt11: session.invoice.bolt11 });
    expect(status).toBe(200);
    const { preimage, paymentHash } = simulatedPaymentSchema.parse(body);
    expect(paymentHash).toBe(session.invoice.paymentHash);
    expect(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')).toBe(paymentHash);
  });

  test('refuses what it cannot pay, and says why', async () => {
    const foreign = await blind.open(100);
    for (const bolt11 of ['', 'nonsense', 'lnbcrt1', foreign.invoice.bolt11, `${foreign.invoice.bolt11}q`]) {
      const { status, body } = await pay({ bolt11 });
      expect([400, 422]).toContain(status);
      expect(body.code).toBe('invalid-request');
      expect(body.detail ?? body.errors).toBeTruthy();
    }
    expect((await pay({ bolt11: 'l'.repeat(5001) })).status).toBe(422);
    expect((await pay({})).status).toBe(422);
  });

  test('is not there with any other wallet', async () => {
    const { wallet } = blind;
    const real: Wallet = {
      name: 'real',
      createInvoice: (invoice) => wallet.createInvoice(invoice),
      lookupInvoice: (paymentHash) => wallet.lookupInvoice(paymentHash),
      onSettled: (listener) => wallet.onSettled(listener),
      checkHealth: () => wallet.checkHealth(),
      close: async () => {},
    };
    const other = await openTestApp({ database: blind.database, wallet, deps: { wallet: real }, watch: false });
    const session = await other.open(100);
    const { status, body } = await pay({ bolt11: session.invoice.bolt11 }, other);
    expect([status, body.code]).toEqual([404, 'not-found']);
    await other.close();
  });
});
