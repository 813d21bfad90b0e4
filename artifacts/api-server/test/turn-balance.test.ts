import type { ScriptedStep } from '@timmy-tower/agent/testing';
import { problemSchema, type TopUp } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { until } from './harness.ts';
import { messagesOf, script, server, useServer } from './scripted-server.ts';

useServer();

describe('a balance too low', () => {
  const spend: ScriptedStep = { deltas: ['Expensive'], usage: { inputTokens: 1e6, outputTokens: 1e6 } };

  async function spent() {
    const session = await server.fund(10);
    script.when('spend it', spend);
    const { body } = await session.ask('spend it');
    expect(body.balanceMsat).toBeLessThan(64 * 15);
    return { session, balanceMsat: body.balanceMsat };
  }

  test('answers 402 with what is required, what is there and an invoice over the rest', async () => {
    const { session, balanceMsat } = await spent();
    const { status, body } = await session.ask('hello');
    expect(status).toBe(402);
    expect(problemSchema.parse(body)).toMatchObject({
      code: 'insufficient-balance',
      availableMsat: balanceMsat,
      heldMsat: 0,
    });
    expect(body.requiredMsat).toBeGreaterThan(balanceMsat);
    expect(body.invoice).toMatchObject({ status: 'pending' });
    expect(body.invoice!.amountSats * 1000).toBeGreaterThanOrEqual(body.requiredMsat! - balanceMsat);
    expect((await session.show()).invoice).toEqual(body.invoice);
    expect(await messagesOf(session)).toHaveLength(2);
  });

  test('is made up by paying that invoice', async () => {
    const { session } = await spent();
    const { body } = await session.ask('hello');
    await server.wallet.pay(body.invoice!.bolt11);
    await until(async () => (await session.show()).invoice === undefined);
    expect((await session.ask('hello')).status).toBe(200);
  });

  test('offers the newest pending invoice that is large enough rather than a new one', async () => {
    const { session } = await spent();
    const topUp = async (amountSats: number) =>
      (await session.call<TopUp>('/topup', { json: { amountSats } })).body.invoice;
    const large = await topUp(500);
    const small = await topUp(10);
    expect((await session.ask('hello')).body.invoice).toEqual(small);
    const long = `long ${'x1 '.repeat(20_000)}`;
    expect((await session.ask(long)).body.invoice).toEqual(large);
    const [row] = await server.query<{ n: number }>('SELECT count(*)::int AS n FROM invoices WHERE session_id = $1', [
      session.id,
    ]);
    expect(row!.n).toBe(3);
  });

  test('offers a new invoice when the pending ones are too small or expired', async () => {
    const { session } = await spent();
    const { body: small } = await session.call<TopUp>('/topup', { json: { amountSats: 10 } });
    const long = `long ${'x1 '.repeat(20_000)}`;
    const { body } = await session.ask(long);
    expect(body.invoice!.paymentHash).not.toBe(small.invoice.paymentHash);
    expect(body.invoice!.amountSats * 1000).toBeGreaterThanOrEqual(body.requiredMsat! - body.availableMsat!);
    await server.query('UPDATE invoices SET expires_at = now() WHERE session_id = $1', [session.id]);
    const { invoice } = (await session.ask('hello')).body;
    expect([small.invoice.paymentHash, body.invoice!.paymentHash]).not.toContain(invoice!.paymentHash);
    expect(invoice!.status).toBe('pending');
  });

  test('with the wallet down is told without an invoice', async () => {
    const { session, balanceMsat } = await spent();
    server.wallet.simulateOutage(true);
    const { status, body } = await session.ask('hello').finally(() => server.wallet.simulateOutage(false));
    expect(status).toBe(402);
    expect(body).toMatchObject({ code: 'insufficient-balance', availableMsat: balanceMsat });
    expect(body).not.toHaveProperty('invoice');
  });

  test('is refused below 64 output tokens and not above', async () => {
    const { session } = await spent();
    const { requiredMsat } = (await session.ask('hello')).body;
    const { balanceMsat } = await session.show();
    const pay = async (receivedMsat: bigint) => {
      const before = (await session.show()).balanceMsat;
      const { body } = await session.call<TopUp>('/topup', { json: { amountSats: 10 } });
      await server.wallet.pay(body.invoice.bolt11, { receivedMsat });
      await until(async () => (await session.show()).balanceMsat === before + Number(receivedMsat));
    };
    await pay(BigInt(requiredMsat! - balanceMsat - 1));
    expect((await session.ask('hello')).body.code).toBe('insufficient-balance');
    await pay(1n);
    expect((await session.ask('hello')).status).toBe(200);
    expect(script.agent.calls.at(-1)!.options.maxOutputTokens).toBe(64);
  });
});
