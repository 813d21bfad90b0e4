import { createRoute } from '@hono/zod-openapi';
import { simulatedPaymentBody, simulatedPaymentSchema } from '@timmy-tower/contract';
import type { SimulatedWallet } from '@timmy-tower/lightning';

import { describeError } from '../log.ts';
import { settlePayment } from '../sessions/settlement.ts';
import { counted, type RouteDeps } from './admission.ts';
import { readableJson } from './body.ts';
import { type App, problemsOf } from './http.ts';

/** Only where the wallet is simulated: anyone may pay, since no real money moves. */
export function addDevWalletRoutes(app: App, deps: RouteDeps, wallet: SimulatedWallet): void {
  const { admission } = deps;
  const pay = createRoute({
    method: 'post',
    path: '/dev/wallet/pay',
    operationId: 'paySimulatedInvoice',
    summary: 'Pay an invoice with the simulated wallet: no real money moves',
    description: 'Answers once the payment was credited, unless the wallet was told to deliver it late or never.',
    tags: ['Development'],
    middleware: [counted(admission.countStranger), readableJson] as const,
    request: { body: { content: { 'application/json': { schema: simulatedPaymentBody } }, required: true } },
    responses: {
      200: { description: 'Paid', content: { 'application/json': { schema: simulatedPaymentSchema } } },
      ...problemsOf(400, 413, 422, 429, 503),
    },
  });
  app.openapi(pay, async (context) => {
    const { payment, isTold } = await payAndListen(wallet, context.req.valid('json').bolt11);
    if (isTold) await credit(deps, payment.paymentHash);
    return context.json(payment, 200);
  });
}

/** @returns whether the wallet told of the payment at once: it may have been told to do so late or never */
async function payAndListen(wallet: SimulatedWallet, bolt11: string) {
  const told = new Set<string>();
  const stopListening = wallet.onSettled((paymentHash) => told.add(paymentHash));
  try {
    const payment = await wallet.pay(bolt11);
    return { payment, isTold: told.has(payment.paymentHash) };
  } finally {
    stopListening();
  }
}

/** It was paid, whatever happens here: where this fails, it is credited when its turn to be looked up comes. */
async function credit(deps: RouteDeps, paymentHash: string): Promise<void> {
  try {
    await settlePayment(deps, paymentHash);
  } catch (error) {
    deps.log.warn({ paymentHash, error: describeError(error) }, 'a simulated payment is credited later');
  }
}
