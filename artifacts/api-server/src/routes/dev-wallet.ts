import { createRoute } from '@hono/zod-openapi';
import { simulatedPaymentBody, simulatedPaymentSchema } from '@timmy-tower/contract';
import type { SimulatedWallet } from '@timmy-tower/lightning';

import { counted, type RouteDeps } from './admission.ts';
import { type App, problemsOf, readableJson } from './http.ts';

/** Only where the wallet is simulated: anyone may pay, since no real money moves. */
export function addDevWalletRoutes(app: App, { admission }: RouteDeps, wallet: SimulatedWallet): void {
  const pay = createRoute({
    method: 'post',
    path: '/dev/wallet/pay',
    summary: 'Pay an invoice with the simulated wallet: no real money moves',
    tags: ['Development'],
    middleware: [counted(admission.countStranger), readableJson] as const,
    request: { body: { content: { 'application/json': { schema: simulatedPaymentBody } }, required: true } },
    responses: {
      200: { description: 'Paid', content: { 'application/json': { schema: simulatedPaymentSchema } } },
      ...problemsOf(400, 413, 422, 429, 503),
    },
  });
  app.openapi(pay, async (context) => context.json(await wallet.pay(context.req.valid('json').bolt11), 200));
}
